/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_LAYER_READ_H
#define LADE_LAYERS_LAYER_READ_H

#include "base/attr.h"
#include "base/digest.h"
#include "base/err.h"
#include "image/desc.h"
#include "image/store.h"
#include "layers/tarread.h"
#include "layers/tree.h"

/*
 * One pass over a packed layer, for what builds an index of it and for what takes contents out of it: the
 * blob from its store (which verifies digest and size), its plain bytes, their digest, the tree.
 * `options->what` is set here, and `any_compression` means nothing. A blob that is not what its descriptor
 * says is read once more (`options->begin` is called again), and then ERR_INTEGRITY even where its bytes
 * make no archive; so is a diff ID that is set and another. *found
 * is the diff ID that the layer has (SHA-256, or the algorithm of `diff_id`).
 */
MUST_USE struct err *layer_read(struct tree **out, struct store *from, const struct desc *blob,
                                const struct digest *diff_id, const struct tarread_options *options,
                                struct digest *found);

#endif
