/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_CACHESET_H
#define LADE_BUILDER_CACHESET_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "builder/steprecord.h"
#include "image/desc.h"
#include "image/event.h"
#include "image/store.h"
#include "layers/tree.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Caches that came from elsewhere (--cache-from): records of steps, the layers that they made, and indexes of
 * layers, so that files can be looked up in a layer that stays where it is. Nothing is read before somebody
 * asks for what this machine does not know; then the records. All that comes out of a cache is foreign: it is
 * parsed as hostile input, blobs are verified by digest, and nothing of it is kept for builds that do not
 * name this cache. doc/cache.md says what a cache looks like.
 */
#define CACHESET_ARTIFACT "application/vnd.lade.cache.v1"
#define CACHESET_RECORDS "application/vnd.lade.cache.records.v1"
#define CACHESET_INDEX "application/vnd.lade.layer.index.v1+gzip"
#define CACHESET_LISTING "application/vnd.lade.layer.files.v1+gzip"
#define CACHESET_DIFF_ID "lade.layer.diff-id" /* annotation of both: the layer's diff ID */
#define CACHESET_INLINE "lade.cache"          /* in an image's config: the records, base64 */
#define CACHESET_RECORDS_MAX (16u << 20)      /* bytes of all records of a cache */

/* One cache to read from. The caller's; it stays until cacheset_free. */
struct cache_source {
    const char *name;    /* for messages: "registry localhost:5000/app:cache" */
    struct store *store; /* where it is */
    const char *tag;     /* what it is called there: a tag or a digest */
    const char
        *origin; /* "host/repository" from where its blobs can be had later; NULL: they are copied at once */
};

struct cacheset;
/* `sources` is borrowed. Asks nobody. */
struct cacheset *cacheset_new(const struct cache_source *sources, size_t count, const struct events *events);
/* Read the records of all sources, once. One that is not there or cannot be read is told of and left out: a
 * cache costs time only. The only error is ERR_STOPPED. The functions below do it when nobody did, but this
 * one may be called without a lock that others want. NULL `c`: nothing. Any thread. */
MUST_USE struct err *cacheset_read(struct cacheset *c);
void cacheset_free(struct cacheset *c);
AUTO_DEFINE(struct cacheset *, cacheset_free)

/* The record with this key, and whose it is; NULL: nobody has it. Borrowed. Any thread. */
const struct step_record *cacheset_find(struct cacheset *c, const struct digest *key,
                                        const struct cache_source **from);
/* Record number i of all, for who looks for near ones; NULL: there are no more. */
const struct step_record *cacheset_at(struct cacheset *c, size_t i, const struct cache_source **from);
/* The index of the layer with this diff ID; *out NULL: nobody has it, or it is damaged (told of). */
MUST_USE struct err *cacheset_index(struct tree **out, struct cacheset *c, const struct digest *diff_id);
/* The listing (layers/listing.h) of the layer with this diff ID; *found false as above. */
MUST_USE struct err *cacheset_listing(struct buf *out, struct cacheset *c, const struct digest *diff_id,
                                      bool *found);
/* Where the index or the listing is, so that it need not be made again; false: nowhere. */
bool cacheset_about_layer(struct cacheset *c, const char *media_type, const struct digest *diff_id,
                          struct desc *out, const struct cache_source **from);

/* Records as the bytes of CACHESET_RECORDS: a line "lade cache 1", and for each its length in bytes as a
 * decimal line and its bytes (step/1). In the order that they have. */
MUST_USE struct err *cacheset_encode(const struct step_record *records, size_t count, struct buf *out);

#endif
