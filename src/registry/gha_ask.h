/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_GHA_ASK_H
#define LADE_REGISTRY_GHA_ASK_H

#include "base/attr.h"
#include "base/err.h"
#include "base/io.h"
#include "registry/gha.h"
#include "registry/keyed.h"
#include "registry/transfer.h"

#include <stdbool.h>
#include <stdint.h>

/* The calls of the cache service, and uploads to Azure's blob storage, for gha.c. */
struct gha {
    struct keyed_place place;
    struct transfer service, storage;
    char *base;  /* "https://host/…/" */
    char *token; /* wiped */
};

/* An entry with exactly this key, or (`prefix`) the newest whose key begins so. *url NULL: there is none. New
 * strings; the URL is a secret for some time. `key` may be NULL. */
MUST_USE struct err *gha_ask_find(struct gha *g, const char *text, bool prefix, char **url, char **key);
/* Begin an entry; *url NULL: it is there already, or somebody else has begun it. */
MUST_USE struct err *gha_ask_create(struct gha *g, const char *key, char **url);
MUST_USE struct err *gha_ask_finalize(struct gha *g, const char *key, uint64_t size);

/* A block blob (Azure's "Put Blob"; "Put Block", "Put Block List" for large ones). */
MUST_USE struct err *gha_upload(struct gha *g, const char *url, struct source *from, uint64_t size);
#define GHA_WHOLE_MAX (UINT64_C(64) << 20)
#define GHA_BLOCK (UINT64_C(32) << 20)
#define GHA_BLOCKS_MAX 50000u /* Azure's limit */

/* transfer_compose with a URL and headers that are known. */
struct gha_storage {
    const char *url;
    const char *const *headers; /* to NULL; may be NULL */
};
struct err *gha_storage_compose(void *ctx, struct transfer_parts *parts);
/* A status of the storage that is no success; its body is XML. */
MUST_USE struct err *gha_storage_refusal(const char *method, const struct transfer_reply *r);

#endif
