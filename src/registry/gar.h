/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_GAR_H
#define LADE_REGISTRY_GAR_H

#include "base/attr.h"
#include "base/err.h"
#include "registry/cloud_ask.h"
#include "registry/creds.h"

#include <stdbool.h>

/*
 * Google Artifact Registry and what was Container Registry: an access token of Google Cloud (google.h) is the
 * password of the user "oauth2accesstoken".
 */
bool gar_has(const char *host); /* gcr.io, *.gcr.io, *.pkg.dev */
MUST_USE struct err *gar_find(struct creds *out, const struct cloud *c, bool *found);

#endif
