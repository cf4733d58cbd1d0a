/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_CREDS_H
#define LADE_REGISTRY_CREDS_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

/*
 * Credentials for a host: what was given on the command line, then $DOCKER_AUTH_CONFIG, $REGISTRY_AUTH_FILE,
 * containers' auth.json, Docker's config.json (with credHelpers and credsStore), then none. The first that
 * has an entry wins; a broken file is an error and not "anonymous". Path-scoped keys: the most specific
 * first. All spellings of Docker Hub are one.
 */
struct creds {
    char *username;       /* or NULL */
    char *password;       /* wiped on free */
    char *identity_token; /* refresh token, or NULL */
    char *registry_token; /* bearer to send as it is, or NULL */
    char *source;         /* where it was found, for messages: "/home/u/.docker/config.json (auths)" */
};
struct creds_options {
    const char *authfile, *username, *password;
};
/* `host` as in references; `repository` may be NULL. An empty result is anonymous. */
MUST_USE struct err *creds_find(struct creds *out, const struct creds_options *options, const char *host,
                                const char *repository);
bool creds_empty(const struct creds *c);
void creds_wipe(struct creds *c);

/* Store for `host` as `docker login` does: into the configured helper, else into Docker's config.json (or
 * `authfile`), mode 0600, other keys kept. *where names the place. */
MUST_USE struct err *creds_store(const char *authfile, const char *host, const char *username,
                                 const char *password, char **where);
/* Remove; *found. */
MUST_USE struct err *creds_erase(const char *authfile, const char *host, bool *found, char **where);

#endif
