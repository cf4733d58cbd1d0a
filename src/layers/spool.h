/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_SPOOL_H
#define LADE_LAYERS_SPOOL_H

#include "base/attr.h"
#include "base/err.h"
#include "base/io.h"
#include "layers/tree.h"

/* File contents kept for a while in one unlinked temporary file: what a COPY --from reads out of packed
 * layers, or a context that came as a tar. No path of theirs ever exists on disk. */
MUST_USE struct err *spool_new(struct spool **out, int dirfd);
/* Append up to `size` bytes of `from` (ERR_INPUT when it has fewer); *offset is where they are.
 * Several threads may add at once. */
MUST_USE struct err *spool_add(struct spool *s, struct source *from, uint64_t size, uint64_t *offset);
/* `len` bytes from `offset` on. Several threads may read at once. */
MUST_USE struct err *spool_read(const struct spool *s, uint64_t offset, uint8_t *to, size_t len);
struct source *spool_open(const struct spool *s, uint64_t offset, uint64_t size);
void spool_free(struct spool *s);
AUTO_DEFINE(struct spool *, spool_free)

#endif
