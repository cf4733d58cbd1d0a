/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_ACR_H
#define LADE_REGISTRY_ACR_H

#include "base/attr.h"
#include "base/err.h"
#include "registry/cloud_ask.h"
#include "registry/creds.h"

#include <stdbool.h>

/*
 * Azure Container Registry: a token of Entra ID (azure.h) is exchanged, at the registry, for a refresh token
 * of the registry (Azure/acr, docs/AAD-OAuth.md), which is an identity token from there on.
 */
/* The address of Entra ID in the cloud of a registry: *.azurecr.io, .cn, .us, .de; NULL for other hosts. */
const char *acr_authority(const char *host);
MUST_USE struct err *acr_find(struct creds *out, const struct cloud *c, const char *host, bool *found);

#endif
