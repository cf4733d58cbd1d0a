/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_AUTH_SCOPE_H
#define LADE_REGISTRY_AUTH_SCOPE_H

#include "base/str.h"
#include "registry/auth.h"

#include <stdbool.h>

/* Scopes of the token protocol: "repository:a/b:pull,push". Pure. */

/* What to ask a token server for. The right to push first: some registries look at the first scope only. */
void auth_scope_list(struct strlist *scopes, const struct auth_want *want);
/* Is all that `asked` ("repository:a:pull repository:b:pull") wants among the scopes? */
bool auth_scope_covers(const struct strlist *scopes, const char *asked);

#endif
