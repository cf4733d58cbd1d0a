/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_REGISTRY_H
#define LADE_REGISTRY_REGISTRY_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "image/event.h"
#include "image/ref.h"
#include "image/store.h"

#include <stdbool.h>

/*
 * All that requests to registries share: credentials, and for each host its tokens, connections, limits and
 * the pause after a 429. Made once for a run; used from any thread. The stores that it gives must be freed
 * before it.
 *
 *     registry_new → registry_repository (a store) → copy_graph, store_resolve, … → store_free →
 * registry_free
 *
 * Where a reference leads, and how a host is spoken to, may be changed by the configuration file
 * (registry/settings.h); ERR_DENIED for what it blocks. Its hosts' settings come behind these options.
 *
 * Plain HTTP is used for all hosts when the options say so; else only for loopback hosts (127.0.0.0/8, ::1,
 * localhost) that do not answer over TLS. A loopback host with a port is asked by plain HTTP first, without
 * credentials, unless there are certificates for it.
 */
struct registry_options {
    const char
        *authfile; /* a file in the form of Docker's config.json that comes before all others; NULL: none */
    const char *username; /* with password; NULL: none */
    const char *password;
    const char *login_host;      /* the only registry that they are for; NULL: every one of this run */
    const char *cert_dir;        /* *.crt, *.cert + *.key, before certs.d; NULL: none */
    bool plain_http;             /* every host of this run by plain HTTP */
    bool insecure_skip_verify;   /* do not check TLS certificates */
    unsigned tries;              /* of each request; 0: the default, 5 */
    unsigned budget_ms;          /* time for all tries of a request together; 0: the default, 5 minutes */
    unsigned blob_sessions;      /* uploads begun for one blob, before it is given up; 0: the default, 4 */
    const char *config;          /* the configuration file, which must be there; NULL: the default place */
    const char *cache_dir;       /* the journal of uploads stands below; made when needed. NULL: no journal */
    const struct events *events; /* warnings, notes about retries; may be NULL */
};

struct registry;
/* Options are copied. Reads no file yet. */
MUST_USE struct err *registry_new(struct registry **out, const struct registry_options *options);
void registry_free(struct registry *r);
AUTO_DEFINE(struct registry *, registry_free)

/* A repository as a store; `ref` gives registry and repository. No request is made. `push` says which rights
 * to ask for first. */
MUST_USE struct err *registry_repository(struct registry *r, const struct ref *ref, bool push,
                                         struct store **out);

/* The parts of it, for what stores do not do (registry/names.h, registry/referrers.h). A registry's host;
 * a repository, whose name is borrowed. No request is made. */
struct host;
struct repo;
MUST_USE struct err *registry_host(struct registry *r, const char *name, struct host **out);
MUST_USE struct err *registry_repo(struct registry *r, const struct ref *ref, bool push, struct repo *out);

/* A repository as a store to pull from: its mirrors come first, if the configuration file has some. It must
 * not be written to. */
MUST_USE struct err *registry_source(struct registry *r, const struct ref *ref, struct store **out);
/* The same with the image that the reference names. ERR_NOT_FOUND naming it. */
MUST_USE struct err *registry_open(struct registry *r, const struct ref *ref, struct store **out,
                                   struct desc *root);

/* What an image reference names, by the registry itself: by HEAD (GET where the registry has no digest in
 * HEAD). ERR_NOT_FOUND naming it. */
MUST_USE struct err *registry_resolve(struct registry *r, const struct ref *ref, struct desc *out);

/* Ask /v2/ with these credentials: NULL when they are good, ERR_DENIED when not. */
MUST_USE struct err *registry_check_login(struct registry *r, const char *host);

/* Requests made so far, for tests and reports. */
struct registry_counts {
    uint64_t requests, retries, bytes_up, bytes_down;
};
struct registry_counts registry_counts(const struct registry *r);

#endif
