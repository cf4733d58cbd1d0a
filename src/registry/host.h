/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_HOST_H
#define LADE_REGISTRY_HOST_H

#include "base/attr.h"
#include "base/err.h"
#include "base/lock.h"
#include "registry/http.h"
#include "registry/lessons.h"
#include "registry/notices.h"
#include "registry/pace.h"
#include "registry/registry.h"
#include "registry/retry.h"
#include "registry/settings.h"
#include "registry/tls.h"
#include "registry/url.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * One registry host, and all that requests to it share: how it is spoken to, what it asks for, tokens,
 * connections, the pause after a 429. Safe for several threads.
 */
struct auth;

/* What all hosts of a run share. Owned by struct registry. */
struct host_config {
    struct registry_options options;
    struct retry_policy retry;
    struct http_counts counts;
};

struct host {
    struct host_config *config;
    char *name; /* as in references: "docker.io" */
    char *api;  /* where it is: "registry-1.docker.io" */
    char *ns;   /* the host that it is a mirror of, or NULL */
    bool loopback;
    struct host_settings settings; /* with what the command line says */
    struct retry_policy retry;
    struct pace *pace;
    struct tls tls;
    struct http_pool *own;     /* to the registry itself */
    struct http_pool *foreign; /* to where it leads us: redirects, uploads, token servers */
    struct auth *auth;
    struct lessons *lessons;
    struct lock *referrers; /* held while a fallback tag is changed */
    struct lock *lock;      /* for what follows */
    bool ready, probing;
    struct url base; /* "https://registry-1.docker.io/"; does not change once ready */
    struct notices notices;
    atomic_bool given_up;  /* a mirror that failed: not asked in this run */
    atomic_bool stands_in; /* the configuration file says that the registry of the command line's credentials
                            * is here */
};

/* How often a mirror is asked before the next one is, unless its settings say otherwise. */
#define HOST_MIRROR_TRIES 2

/* Reads certificates; makes no request. `ns`: the host that it is a mirror of, whose credentials it never
 * gets; else NULL. `told` is what the file says of it; copied. */
MUST_USE struct err *host_new(struct host **out, struct host_config *config, const char *name, const char *ns,
                              const struct host_settings *told);
void host_free(struct host *h);
AUTO_DEFINE(struct host *, host_free)

/* Find out, once, which scheme it speaks and what it asks for. Call before using `base`. */
MUST_USE struct err *host_prepare(struct host *h);
/* The URL of a path below the root ("/v2/…"), which is printed; a mirror is told of which host by "ns=".
 * Prepares. */
MUST_USE struct err *host_url(struct host *h, struct url *out, const char *format, ...) PRINTF(3, 4);

/* All requests to it wait for so long. */
void host_pause(struct host *h, unsigned ms);
/* Wait until no pause is on and the next request has its turn. */
MUST_USE struct err *host_wait(struct host *h);
/* The pool for a URL. What leads away from a public registry must lead to public addresses. */
struct http_pool *host_pool(const struct host *h, const struct url *u);
/* A reply came from the registry itself: tells the user what it has to say. */
void host_seen(struct host *h, const struct http_reply *r);
/* What the user can do about a fault, as a hint. */
MUST_USE struct err *host_explain(const struct host *h, struct err *cause, enum http_fault fault);

#endif
