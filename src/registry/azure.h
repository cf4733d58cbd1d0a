/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_AZURE_H
#define LADE_REGISTRY_AZURE_H

#include "base/attr.h"
#include "base/err.h"
#include "registry/cloud_ask.h"

#include <stdbool.h>

/*
 * An access token of Microsoft Entra ID for Azure's container registries, from the first of these, as
 * Azure's SDKs look for it: a service principal in the environment ($AZURE_CLIENT_SECRET), workload identity
 * ($AZURE_FEDERATED_TOKEN_FILE), the managed identity of an app ($IDENTITY_ENDPOINT) or of a machine.
 */
#define AZURE_AUDIENCE "https://containerregistry.azure.net"

struct azure_token {
    char *value;
    char *source; /* for messages */
};
/* `authority` is the cloud's own, when $AZURE_AUTHORITY_HOST names no other: "https://login.…". */
MUST_USE struct err *azure_find(struct azure_token *out, const struct cloud *c, const char *authority,
                                bool *found);
void azure_token_wipe(struct azure_token *t);

#endif
