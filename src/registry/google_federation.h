/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_GOOGLE_FEDERATION_H
#define LADE_REGISTRY_GOOGLE_FEDERATION_H

#include "base/attr.h"
#include "base/err.h"
#include "registry/google.h"

/*
 * Workload Identity Federation: a file of the type "external_account" says where a token of another issuer
 * stands (a file, or a URL, as in GitHub's and GitLab's pipelines), with which Google's Security Token
 * Service gives one of its own, and as which service account to go on. `what` names the file.
 */
MUST_USE struct err *google_federation_token(struct google_token *out, const struct cloud *c,
                                             const json_t *file, const char *what);

#endif
