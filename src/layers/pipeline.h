/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_PIPELINE_H
#define LADE_LAYERS_PIPELINE_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/io.h"
#include "image/mediatype.h"
#include "layers/tree.h"

/*
 * Tar entries to a layer blob, on several processors. The caller's thread plans: it puts headers where they
 * stand in a chunk and notes which content goes between them. Whichever worker is free takes the next chunk,
 * reads the contents, compresses. What needs the order (the diff ID's SHA-256, the gzip frame, the sink) is
 * done by whichever worker finishes the chunk that is next.
 *
 * Memory does not depend on the layer: a ring of a few chunks (pipeline_slots), and one encoder for each
 * worker. The bytes, and the error where there is one, do not depend on the number of workers: errors count
 * in the order of chunks.
 */
struct pipeline_options {
    enum mediatype_compression compression;
    int level;
    unsigned workers; /* 0: one for each processor */
};
struct pipeline;
/* `to` gets the blob's bytes, not its commit; borrowed. ERR_USAGE for a level that is none. */
MUST_USE struct err *pipeline_new(struct pipeline **out, struct sink *to,
                                  const struct pipeline_options *options);
/* The next entry of the tar: see struct tarwalk. `content` is borrowed until pipeline_end or pipeline_free.
 */
MUST_USE struct err *pipeline_entry(struct pipeline *p, const char *name, const struct buf *headers,
                                    const struct node *content);
/* The end of the tar, or, with the error that ended the walk, of the work. Waits for all chunks. The first
 * error in their order comes before `walk_take`. */
MUST_USE struct err *pipeline_end(struct pipeline *p, struct err *walk_take, struct digest *diff_id);
void pipeline_free(struct pipeline *p);
AUTO_DEFINE(struct pipeline *, pipeline_free)

#endif
