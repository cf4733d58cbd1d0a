/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_INDEXPACK_H
#define LADE_LAYERS_INDEXPACK_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "image/desc.h"
#include "image/store.h"
#include "layers/tree.h"

/*
 * A layer's index (indexfile.h) that travels to other machines: gzip, so that whoever looks for a path in a
 * layer need not fetch it. The bytes depend on the layer's blob alone.
 */
#define INDEXPACK_MAX (UINT64_C(64) << 20) /* bytes when unpacked; larger ones do not travel */

/* The index of the blob, made or found as layer_index does. ERR_RESOURCE when it is too large. */
MUST_USE struct err *indexpack_make(struct buf *out, struct store *from, const struct desc *blob,
                                    const struct digest *diff_id, int cache_dir);
/* The same of a layer that is no blob yet: contents of `t` can be read. Its tar goes through `temp`, an empty
 * file, which is taken over. */
MUST_USE struct err *indexpack_make_from_tree(struct buf *out, struct tree *t, const struct digest *diff_id,
                                              int temp_take);
/* Hostile input, unpacked in a process of its own. ERR_INPUT unless it is the index of that layer. The source
 * is taken over. */
MUST_USE struct err *indexpack_read(struct tree **out, struct source *from_take,
                                    const struct digest *diff_id);

/* Bytes that go with it in the same way. Reading is of hostile input, in a process of its own, up to the room
 * that `out` has. */
MUST_USE struct err *indexpack_gzip(struct buf *out, const struct buf *plain);
MUST_USE struct err *indexpack_gunzip(struct buf *out, struct source *from_take);

#endif
