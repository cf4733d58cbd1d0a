/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_CACHEWRITE_H
#define LADE_BUILDER_CACHEWRITE_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "builder/stage.h"
#include "builder/steprecord.h"

#include <stdbool.h>

/*
 * What a build leaves for others (--cache-to): the records of its steps, the layers of its result (with
 * `max`, of all its stages), and an index of every layer that a step stands on. The same build writes the
 * same bytes, wherever its steps came from. doc/cache.md.
 */
struct cache_notes;
struct cache_notes *cache_notes_new(void);
void cache_notes_free(struct cache_notes *n);

/* A step was taken from a cache or made: its record, and its layer or NULL. Nothing happens when nobody
 * writes a cache. The builder's lock is held. */
void cachewrite_note(struct builder *b, const struct step_record *r, struct part *part);

/* After the build: write the cache into the layout as a manifest (CACHESET_ARTIFACT) and its blobs; what is
 * elsewhere already stays there, with its origin. */
MUST_USE struct err *cachewrite_manifest(struct builder *b, const struct stage *target, bool max,
                                         struct desc *out);
/* The records alone, without indexes, of the target's layers: for CACHESET_INLINE. */
MUST_USE struct err *cachewrite_records(struct builder *b, const struct stage *target, struct buf *out);

#endif
