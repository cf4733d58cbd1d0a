/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_TARWALK_H
#define LADE_LAYERS_TARWALK_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "layers/tarheader.h"
#include "layers/tree.h"

#include <stdbool.h>

/*
 * The entries of a tree in the order of tar/1 (doc/formats.md), each with its header blocks, for whoever puts
 * the bytes together: as one stream (tarwrite.h) or in chunks (pipeline.h). Directories are read when the
 * walk comes to them.
 */
struct tarwalk {
    /* The next entry, its header blocks, and the node whose n->size bytes of content follow, with zeros up to
     * a full block (NULL: no content). `entry` and `headers` are borrowed until it returns. */
    struct err *(*entry)(void *ctx, const struct tar_entry *entry, const struct buf *headers,
                         const struct node *content);
    void *ctx;
    bool (*skip)(const struct node *n); /* which nodes are left out, with all below them; may be NULL */
    bool with_root;                     /* the root as "./", first */
};

/* All entries, but not the end of the tar. ERR_INPUT for names that begin with ".wh.", which layers reserve,
 * and for what a tar cannot hold. */
MUST_USE struct err *tarwalk_tree(struct tree *t, const struct tarwalk *walk);

/* Of zero blocks, after the last entry. */
#define TARWALK_END 1024

#endif
