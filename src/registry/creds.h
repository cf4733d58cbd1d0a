/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_CREDS_H
#define LADE_REGISTRY_CREDS_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "registry/creds_trace.h"

#include <stdbool.h>
#include <stdint.h>

struct http_counts;

/*
 * Credentials for a host, from the first of these that has an entry:
 *
 *     --username with --password-stdin   for the registry that the command is about
 *     --authfile
 *     $DOCKER_AUTH_CONFIG                a document in the environment
 *     $REGISTRY_AUTH_FILE
 *     containers' auth.json              in the runtime directory, then in the configuration
 *     Docker's config.json               auths, credHelpers, credsStore; then ~/.dockercfg
 *     .dockerconfigjson, .dockercfg      a Kubernetes secret that is mounted as Docker's directory
 *     variables of the CI system         (registry/creds_ci.h)
 *     the cloud that lade runs in        (registry/cloud.h)
 *
 * A broken file is an error and not "anonymous". Path-scoped keys: the most specific first. All spellings of
 * Docker Hub are one.
 */
struct creds {
    char *username;       /* or NULL */
    char *password;       /* wiped on free */
    char *identity_token; /* refresh token, or NULL */
    char *registry_token; /* bearer to send as it is, or NULL */
    char *source;         /* where it was found, for messages: "/home/u/.docker/config.json (auths)" */
    uint64_t end_ms;      /* of clock_ms, when they lose their worth; 0: not known */
    bool from_cloud;      /* made for this run */
    bool more;            /* the source has others, which count when these are refused */
};
struct creds_options {
    const char *authfile, *username, *password;
    const char *login_host;     /* the only registry for which username and password are; NULL: every one */
    struct http_counts *counts; /* of requests to clouds; NULL: no cloud is asked */
    const struct creds *cloud;  /* what the cloud gave before, to be used again; may be NULL */
    unsigned skip;              /* so many of a source with several were refused */
};
/* `host` as in references; `repository` may be NULL, `trace` too. An empty result is anonymous. */
MUST_USE struct err *creds_find(struct creds *out, const struct creds_options *options, const char *host,
                                const char *repository, struct creds_trace *trace);
bool creds_equal(const struct creds *a, const struct creds *b); /* but for the source */
void creds_copy(struct creds *to, const struct creds *from);    /* `to` is wiped first */
bool creds_empty(const struct creds *c);
void creds_wipe(struct creds *c);

/* Store for `host` as `docker login` does: into the configured helper, else into Docker's config.json (or
 * `authfile`), mode 0600, other keys kept. *where names the place. */
MUST_USE struct err *creds_store(const char *authfile, const char *host, const char *username,
                                 const char *password, char **where);
/* Remove; *found. */
MUST_USE struct err *creds_erase(const char *authfile, const char *host, bool *found, char **where);

#endif
