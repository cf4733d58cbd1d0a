/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_TRANSFER_H
#define LADE_REGISTRY_TRANSFER_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "base/str.h"
#include "image/event.h"
#include "registry/http.h"
#include "registry/pace.h"
#include "registry/retry.h"
#include "registry/tls.h"
#include "registry/url.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Requests to services that are no registries and move blobs: tried again while that may help, with the
 * pause that a server asks for kept by all, and downloads taken up again where they broke. Nothing is
 * followed. A request is composed anew for each try, because signatures hold for a time only. Safe for
 * several threads.
 */
struct transfer_options {
    unsigned tries;     /* 0: RETRY_TRIES */
    unsigned budget_ms; /* 0: RETRY_BUDGET_MS */
    const struct events *events;
};
struct transfer {
    struct http_counts counts;
    struct retry_policy retry;
    struct pace *pace;
    struct tls tls;
    struct http_pool *pool, *direct; /* direct: loopback hosts, past proxies */
};
MUST_USE struct err *transfer_open(struct transfer *out, const char *host,
                                   const struct transfer_options *options);
void transfer_close(struct transfer *t);

/* What is sent in one try. */
struct transfer_parts {
    struct url url;
    struct strlist headers; /* "Name: value" */
    char *authorization;    /* or NULL */
};
/* Fills the parts, which are empty; an error of ERR_NETWORK is tried again. */
typedef struct err *transfer_compose(void *ctx, struct transfer_parts *parts);

struct transfer_request {
    const char *method;
    const char *what; /* for messages: "PUT https://…" */
    transfer_compose *compose;
    void *ctx;
    struct source *body; /* borrowed; must reopen to be sent again. NULL: none */
    uint64_t body_begin; /* where it stands, and the request's part of it begins */
    uint64_t body_size;
    bool sends; /* has a body, if only an empty one */
    bool once;  /* no new try */
};
struct transfer_reply {
    int status;
    struct strmap headers;
    struct buf body; /* at most TRANSFER_BODY_MAX */
};
#define TRANSFER_BODY_MAX (4u << 20)

/* Errors: transport and statuses that may pass, after the tries. Any other status is success here. */
MUST_USE struct err *transfer_send(struct transfer_reply *out, struct transfer *t,
                                   const struct transfer_request *q);
void transfer_reply_wipe(struct transfer_reply *r);

/* A status that was not expected, as an error: "GET https://…: HTTP 403 CODE: message". NULL: none said. */
MUST_USE struct err *transfer_refusal(const char *what, int status, const char *code, const char *message);

/* What a download needs; the source that reads it owns `ctx`. */
struct transfer_download {
    struct transfer *transfer; /* borrowed */
    const char *what;          /* for messages: "blobs/sha256:…"; borrowed from ctx */
    transfer_compose *compose;
    void *ctx;
    void (*free)(void *ctx);
    /* What a status that is no success means; the body may tell. NULL: transfer_refusal. */
    struct err *(*refusal)(void *ctx, const struct transfer_reply *reply);
    uint64_t size; /* bytes it must have */
};
/* Opens it: absence (404) is ERR_NOT_FOUND now. Size and digest are not checked; the caller verifies. */
MUST_USE struct err *transfer_get(const struct transfer_download *d, struct source **out);

/* For both parts: one try. The reply's body is to be read. */
MUST_USE struct err *transfer_once(struct http_reply *out, struct transfer *t,
                                   const struct transfer_request *q, const char *range);
/* A status that may pass is turned into an error, with the time that was asked for. */
MUST_USE struct err *transfer_passing(struct transfer *t, const struct http_reply *r, const char *what,
                                      unsigned *asked_ms);

#endif
