/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_AUTH_H
#define LADE_REGISTRY_AUTH_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "registry/host.h"

#include <stdbool.h>

/*
 * What goes into the Authorization header of requests to one registry host: nothing, Basic, or a bearer
 * token. Tokens are kept for each set of scopes until shortly before they end; one thread fetches, the others
 * wait. Nothing of this goes to another origin.
 */
struct auth;
struct auth *auth_new(struct host *h);
void auth_free(struct auth *a);

/* Which rights a request needs. */
struct auth_want {
    const char *repository; /* NULL: none, just a login */
    bool push;
    const char *from;  /* a repository to mount from, or NULL */
    const char *scope; /* these rights instead, in the words of the token server; NULL: those above */
};

/* Note what a reply of the registry asks for; of a reply without a challenge nothing is noted. `want` is that
 * of the request; NULL: the reply is about the registry as a whole. Realm, service and scope may differ from
 * repository to repository. */
void auth_learn(struct auth *a, const struct auth_want *want, const struct strmap *headers,
                const struct url *base);
/* The header's value, or NULL for none. `stale` is a value that was just refused: a new one is fetched. New
 * string; wipe it. */
MUST_USE struct err *auth_value(struct auth *a, const struct auth_want *want, const char *stale, char **out);
/* Would another try after a 401 differ from one with `value`? Looks for credentials once more when those that
 * there are were refused themselves. */
bool auth_can_replay(struct auth *a, const struct auth_want *want, const char *value);
/* "HTTP 401" and "HTTP 403" as the user needs to hear it: whose credentials, what to do. */
MUST_USE struct err *auth_denied(struct auth *a, const char *repository, struct err *cause);

/* A token that anybody can have, for one request to the host at `base`, which the registry led us to and
 * which answered 401 with these headers. *out NULL when it gives none. New string. */
MUST_USE struct err *auth_anonymous(struct host *h, const struct strmap *headers, const struct url *base,
                                    char **out);

#endif
