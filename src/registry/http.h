/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_HTTP_H
#define LADE_REGISTRY_HTTP_H

#include "base/attr.h"
#include "base/err.h"
#include "base/io.h"
#include "base/str.h"
#include "registry/http_fault.h"
#include "registry/tls.h"
#include "registry/url.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * One request, one reply, over HTTP/1.1. Nothing is followed, retried or authenticated here. The only door to
 * libcurl beside url.c. Connections are kept in a pool; all of a pool are made with the same settings, and a
 * pool serves one identity.
 */
struct http_counts {
    atomic_uint_least64_t requests, retries, bytes_up, bytes_down;
};

struct http_settings {
    const struct tls *tls;
    bool skip_verify;    /* of TLS certificates */
    bool with_cert;      /* show the client certificate of `tls` */
    bool direct;         /* past any proxy: for loopback hosts */
    unsigned stall_s;    /* nothing moves for so long: it is dead; 0: the default, 2 minutes */
    unsigned answer_s;   /* the same, from the last byte that we send to the answer; 0: 15 minutes: registries
                            hash and copy gigabytes before they answer */
    unsigned connect_ms; /* until a connection is there; 0: the default, 30 s */
    unsigned total_ms;   /* for a request and the whole of its answer; 0: no limit */
    struct http_counts *counts;
};
struct http_pool;
/* What the settings point to is borrowed. */
struct http_pool *http_pool_new(const struct http_settings *settings);
/* Refuse to connect to addresses that are not public from now on; connections that are there are not touched.
 */
void http_pool_public_only(struct http_pool *p);
/* All replies must be wiped before. */
void http_pool_free(struct http_pool *p);
AUTO_DEFINE(struct http_pool *, http_pool_free)

struct http_request {
    const char *method;
    const struct url *url;
    const struct strlist *headers; /* "Name: value"; may be NULL */
    const char *authorization;     /* the header's value; never shown; may be NULL */
    struct source *body;           /* read from where it stands; NULL: none. Borrowed */
    uint64_t body_size;            /* bytes; always known */
    bool sends;                    /* has a body, if only an empty one */
    bool no_expect;                /* send a large body without asking first whether it may come */
    bool decode;                   /* undo a Content-Encoding, where a proxy puts one on nevertheless */
};

struct http_reply {
    int status;
    struct strmap headers; /* names in lower case; repeated ones stand several times */
    struct source
        *body; /* owned; fails with ERR_NETWORK when it is cut. Gives the connection back when freed */
    enum http_fault fault; /* set with an error */
    bool private_peer;     /* the connected address is not public */
    bool body_taken;       /* some of the request's body was read */
    bool expect_refused;   /* 417: whoever answers does not know the question whether a body may come */
    bool expect_ignored;   /* the question was asked, and waited for in vain */
};

#define HTTP_HEADERS_MAX 200
#define HTTP_HEADER_BYTES_MAX (64u << 10)

/* Send it, and read the reply up to its body. Any status is success. ERR_NETWORK for what may pass,
 * ERR_DENIED for a certificate that is not trusted or an address that is refused; messages begin with "METHOD
 * URL". Looks at the stop flag. */
MUST_USE struct err *http_send(struct http_reply *out, struct http_pool *p, const struct http_request *q);
void http_reply_wipe(struct http_reply *r);

/* Before and after all use; counted. */
MUST_USE struct err *http_start(void);
void http_end(void);

#endif
