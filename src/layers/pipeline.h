/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_PIPELINE_H
#define LADE_LAYERS_PIPELINE_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/io.h"
#include "image/mediatype.h"
#include "layers/memo.h"
#include "layers/tarheader.h"
#include "layers/tree.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Tar entries to a layer blob, on several processors. The caller's thread plans: it puts headers where they
 * stand in a chunk and notes which content goes between them (chunkplan.h). Whichever worker is free takes
 * the next chunk, reads the contents, compresses. What needs the order (the diff ID's SHA-256, the gzip
 * frame, the sink) is done by whichever worker comes to it (base/ring.h).
 *
 * Memory does not depend on the layer: a ring of a few chunks and one encoder for each worker. The bytes, and
 * the error where there is one, do not depend on the number of workers.
 *
 * With a memo of how the layer was written before, what did not change is not done again: as long as all
 * chunks are as they were, nothing is done at all; from the first that is not, files are read, but what was
 * compressed before is taken from the old blob.
 */
struct pipeline_options {
    enum mediatype_compression compression;
    int level;
    unsigned workers; /* 0: one for each processor */
    bool digest_only; /* the diff ID is all that is wanted: of COMPRESSION_NONE; `open` is not called, and
                         `old` needs no blob */
    /* Called once, before the first byte, for the sink that gets the blob's bytes, but not its commit;
     * borrowed. */
    struct err *(*open)(void *ctx, struct sink **to);
    void *ctx;

    struct memo *old;  /* borrowed; NULL: none */
    int old_blob;      /* the blob that it is about, open; borrowed */
    struct memo *made; /* filled with the chunks that are written; NULL: not wanted */
    int64_t now_ns;    /* since 1970, taken before anything was read; for chunkplan_key */
};
struct pipeline;
/* ERR_USAGE for a level that is none. */
MUST_USE struct err *pipeline_new(struct pipeline **out, const struct pipeline_options *options);
/* The next entry of the tar: see struct tarwalk. `content` is borrowed until pipeline_end or pipeline_free.
 */
MUST_USE struct err *pipeline_entry(struct pipeline *p, const struct tar_entry *entry,
                                    const struct buf *headers, const struct node *content);
/* The end of the tar, or, with the error that ended the walk, of the work. Waits for all chunks. The first
 * error in their order comes before `walk_take`. *unchanged: the layer is the one that `old` is about, and
 * nothing was written. */
MUST_USE struct err *pipeline_end(struct pipeline *p, struct err *walk_take, struct digest *diff_id,
                                  bool *unchanged);
/* After an error: the old blob is damaged where it was needed; without `old` it may go well. */
bool pipeline_is_stale(const struct pipeline *p);
void pipeline_free(struct pipeline *p);
AUTO_DEFINE(struct pipeline *, pipeline_free)

#endif
