/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_CLIENT_H
#define LADE_REGISTRY_CLIENT_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "base/str.h"
#include "registry/auth.h"
#include "registry/host.h"
#include "registry/retry.h"
#include "registry/url.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * A request to a registry as the parts above see it: with credentials for the registry's own origin and none
 * for others, replayed once with a new token after a 401, redirected at most CLIENT_REDIRECTS_MAX times, and
 * tried again while that may help.
 */
struct client_request {
    const char *method;
    const struct url *url;
    struct auth_want want;
    const struct strlist *headers; /* "Name: value"; may be NULL */
    struct source *body;           /* from its beginning; borrowed. NULL: none */
    uint64_t body_size;
    bool sends;        /* has a body, if only an empty one */
    bool once;         /* no new try: what the server did is not known */
    bool decode;       /* undo a Content-Encoding */
    bool stream;       /* leave the body of a 2xx to be read from the reply */
    uint64_t body_max; /* of the reply, when not `stream`; 0: APIERR_BODY_MAX */
};
struct client_reply {
    int status;
    struct strmap headers;
    struct url url;         /* that answered, after redirects */
    struct buf body;        /* unless `stream`; of errors at most APIERR_BODY_MAX */
    struct http_reply http; /* with `stream` and a 2xx: its body is to be read */
};

#define CLIENT_REDIRECTS_MAX 5

/* Errors: transport and statuses that may pass, after the tries; 401 and 403 (ERR_DENIED). Any other status
 * is success here. */
MUST_USE struct err *client_send(struct client_reply *out, struct host *h, const struct client_request *q);
/* An error of a reply whose status the caller has no use for. */
MUST_USE struct err *client_unexpected(struct host *h, const struct client_request *q,
                                       const struct client_reply *r);
void client_reply_wipe(struct client_reply *r);

/* The parts, for those who make requests of their own (the first contact, tokens). */

/* 408, 425, 429, 499 and 5xx but 501: worth another try. */
bool client_status_passes(int status);
/* Retry-After, or 0. */
unsigned client_asked_ms(const struct strmap *headers);
/* As much of an error's body as fits; failures are dropped. */
void client_read_some(struct http_reply *r, struct buf *body);
/* A server of HTTPS that was spoken to in plain HTTP. */
bool client_says_https(const struct buf *body);
/* The status as an error, with hints. */
MUST_USE struct err *client_refusal(struct host *h, const struct url *u, const char *method, int status,
                                    const struct buf *body);
/* "Basic …". New string; wipe it. */
char *client_basic(const char *username, const char *password);

#endif
