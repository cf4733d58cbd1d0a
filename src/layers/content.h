/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_CONTENT_H
#define LADE_LAYERS_CONTENT_H

#include "base/attr.h"
#include "base/err.h"
#include "layers/tree.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Contents of nodes by position, straight into the reader's memory. For one thread at a time; several may
 * read the same tree at once. It keeps the directories open in which it read last, so that the path to a file
 * is not walked again for each of its neighbours.
 */
struct content_reader;
struct content_reader *content_reader_new(void);
void content_reader_free(struct content_reader *r);
AUTO_DEFINE(struct content_reader *, content_reader_free)

/* The bytes from `offset` on, `len` of them, which the content has. ERR_CONFLICT "changed while it was read"
 * when a file is not what was seen when its directory was listed. Not for CONTENT_LAYER. */
MUST_USE struct err *content_read(struct content_reader *r, const struct node *n, uint64_t offset,
                                  uint8_t *to, size_t len);

#endif
