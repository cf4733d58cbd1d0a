/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_GHA_H
#define LADE_REGISTRY_GHA_H

#include "base/attr.h"
#include "base/digest.h"
#include "base/err.h"
#include "image/store.h"
#include "registry/transfer.h"

#include <stdbool.h>

/*
 * The cache service of GitHub Actions, version 2, as a store: calls of github.actions.results.api.v1
 * .CacheService (Twirp, JSON) under $ACTIONS_RESULTS_URL with $ACTIONS_RUNTIME_TOKEN, and the bytes at signed
 * URLs of Azure's blob storage. Entries are never changed: a blob has the key GHA_BLOB<digest>; what is
 * written under a name has a new key each time, "GHA_INDEX<name>#<milliseconds>-<digest>", and is found by
 * its beginning, of which the service gives the newest.
 */
struct gha_options {
    const char *url; /* in the place of $ACTIONS_RESULTS_URL, or NULL */
    struct transfer_options transfer;
};
#define GHA_BLOB "lade-blob-1-"
#define GHA_INDEX "lade-index-1-"
#define GHA_KEY_MAX 512 /* the service's limit; commas are not allowed */

/* Makes no request. ERR_DENIED when this is no job of GitHub Actions: url or token are missing. */
MUST_USE struct err *gha_open(struct store **out, const struct gha_options *options);

/* The digest in the key of an index; false: it is none of that name. Pure. */
bool gha_index_digest(const char *key, const char *name, struct digest *out);

#endif
