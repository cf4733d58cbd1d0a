/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_INDEXFILE_H
#define LADE_LAYERS_INDEXFILE_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "layers/tree.h"

#include <stdbool.h>

/*
 * A layer's index as bytes, for the cache: a magic, the digest of the blob and its diff ID, the nodes depth
 * first with children in order, numbers as LEB128, and a SHA-256 of all that at the end. Another version of
 * the form is a damaged one to the reader, and what is damaged is made anew. The bytes are read like an
 * enemy's: every count and length is checked before it is used.
 */
#define INDEXFILE_FOLDER "index"          /* in the cache */
#define INDEXFILE_MAX (UINT64_C(1) << 30) /* bytes: what a tree of TARLIMITS_MEMORY cannot exceed by much */
#define INDEXFILE_TOTAL_MAX (UINT64_C(256) << 20) /* bytes: of all in the cache */

struct indexfile {
    struct digest blob;
    struct digest diff_id;
    bool beside; /* to write only: contents stand elsewhere; each file is read back as entry 0 of a layer */
};
void indexfile_write(struct buf *out, const struct indexfile *head, struct tree *t);
/* ERR_INPUT for bytes that are no such tree. What indexfile_write makes of a tree that was read is read the
 * same again. */
MUST_USE struct err *indexfile_read(struct indexfile *head, struct tree **out, const void *data, size_t len);

#endif
