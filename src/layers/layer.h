/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_LAYER_H
#define LADE_LAYERS_LAYER_H

#include "base/attr.h"
#include "base/digest.h"
#include "base/err.h"
#include "image/desc.h"
#include "image/store.h"
#include "layers/compress.h"
#include "layers/tree.h"

#include <stdbool.h>

/* A tree to a layer blob, and a layer blob to a tree. */

struct layer_options {
    enum mediatype_compression compression;
    int level;        /* as in compress.h */
    unsigned workers; /* 0: one for each processor; the bytes do not depend on it */
    bool estargz;     /* of COMPRESSION_GZIP: in the form of estargz.h; nothing is remembered */

    /* What the layer is, in words that stay the same from build to build: the next layer_write of the same
     * words does again only what changed (memo.h). NULL: nothing is remembered. */
    const char *about;
    int cache_dir; /* with `about`: a descriptor of $LADE_CACHE */
    bool fresh;    /* what is remembered does not count, but is written */
    bool *known;   /* out, may be NULL: the layout had the blob before */
};
/* Write the tree's layer into the layout: the descriptor of the blob, with annotations where its form has
 * some, and the digest of its tar bytes. Nodes' CONTENT_LAYER must have been spooled. */
MUST_USE struct err *layer_write(struct store *layout, struct tree *t, const struct layer_options *options,
                                 struct desc *blob, struct digest *diff_id);

/* Only the digest of the layer's tar bytes. With `about`, files that did not change since the last time are
 * not read. Compression, level and form do not matter. */
MUST_USE struct err *layer_digest(struct tree *t, const struct layer_options *options,
                                  struct digest *diff_id);

/* The index of a packed layer: its tree, without contents but with etc/passwd and etc/group, read in one
 * streaming pass that stores nothing of the blob. Kept in `cache_dir` (a descriptor of $LADE_CACHE; -1: not
 * kept) under the blob's digest; from then on no blob moves. The blob is verified (digest, size; diff ID when
 * set: ERR_INTEGRITY). A damaged cache entry is dropped and made anew. */
MUST_USE struct err *layer_index(struct tree **out, struct store *from, const struct desc *blob,
                                 const struct digest *diff_id, int cache_dir);

/* The same where it is kept already, without any blob; NULL: it is not. */
struct tree *layer_index_kept(const struct desc *blob, const struct digest *diff_id, int cache_dir);

/* Bring contents out of packed layers: every node in `wanted` whose content is CONTENT_LAYER gets
 * CONTENT_SPOOL. Each layer that is needed is read once, as a stream. `layer` i of the stage is layers[i]
 * with diff_ids[i]. */
struct layer_stack {
    struct store *store; /* where the blobs are (with origin) */
    const struct desc *layers;
    const struct digest *diff_ids; /* may be NULL */
    size_t count;
};
MUST_USE struct err *layer_spool(const struct layer_stack *stack, struct node **wanted, size_t count,
                                 struct spool *spool);

#endif
