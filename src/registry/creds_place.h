/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_CREDS_PLACE_H
#define LADE_REGISTRY_CREDS_PLACE_H

#include "base/str.h"

/* The files that may hold credentials, by the environment, the first to ask first: $REGISTRY_AUTH_FILE,
 * containers' auth.json (in $XDG_RUNTIME_DIR or /run, then in the configuration directory), Docker's
 * config.json, ~/.dockercfg, and a Kubernetes secret in the directory of Docker's configuration. */
void creds_place_all(struct strlist *out);
/* Is it below the runtime directory of somebody else? podman makes /run/containers for root alone, and su
 * leaves $XDG_RUNTIME_DIR as it was: nothing there is meant for us. */
bool creds_place_is_closed(const char *path);
/* The one that a login writes: `authfile`, else $REGISTRY_AUTH_FILE, else Docker's config.json. New string;
 * NULL without a home. */
char *creds_place_login(const char *authfile);

#endif
