/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_TREE_FROZEN_H
#define LADE_LAYERS_TREE_FROZEN_H

#include "base/attr.h"
#include "base/err.h"
#include "layers/tree.h"

/*
 * A tree in memory whose contents are the files of a directory of lade's own, which nobody changes: each file
 * of the tree stands there at the node's path, so that neither times nor inode numbers are needed to know
 * that it is what it was.
 */

/* From here on every regular file's content is CONTENT_DIR in `dirfd_take`. `t` was made in memory. */
void tree_freeze(struct tree *t, int dirfd_take);

/* Open the file of a node of such a tree for reading where its mode, or that of a directory above it, forbids
 * that to us, its owner, or its path is too long for the system: what stands in the way is opened up for a
 * moment, and gets back the mode that the tree says. */
MUST_USE struct err *tree_frozen_open(int *out, const struct node *n);

#endif
