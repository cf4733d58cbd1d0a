/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_AUTH_CREDS_H
#define LADE_REGISTRY_AUTH_CREDS_H

#include "base/attr.h"
#include "base/err.h"
#include "registry/creds.h"
#include "registry/host.h"

#include <stdbool.h>

/*
 * The credentials for one registry host in a run: looked for once for each repository (keys may have paths),
 * and once more when they are refused: a helper or a mounted file may have others by then, and a Kubernetes
 * secret may hold several. The caller has a lock around every call.
 */
struct known_creds {
    char *repository; /* "" for the host itself */
    struct creds creds;
    struct creds_trace trace; /* where they were looked for */
    unsigned serial;          /* another one for other credentials */
    unsigned skip, tries;
    bool refused; /* and nothing else was found */
};
struct auth_creds;
struct auth_creds *auth_creds_new(struct host *h);
void auth_creds_free(struct auth_creds *s);

/* `repository` may be NULL. The place does not move, its content does. */
MUST_USE struct err *auth_creds_get(struct auth_creds *s, const char *repository, struct known_creds **out);
/* They were refused: true when there are others now. */
MUST_USE bool auth_creds_again(struct auth_creds *s, struct known_creds *known);
/* A token server gave another identity token for the one that it was asked with. */
void auth_creds_renew(struct known_creds *known, const char *identity_token);

#endif
