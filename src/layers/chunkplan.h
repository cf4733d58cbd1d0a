/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_CHUNKPLAN_H
#define LADE_LAYERS_CHUNKPLAN_H

#include "base/attr.h"
#include "base/err.h"
#include "layers/chunk.h"
#include "layers/content.h"
#include "layers/tree.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One chunk before its contents are read: the bytes of headers and padding stand where they belong, and
 * between them is noted which content goes there.
 */
struct chunk_piece {
    const struct node *node; /* borrowed */
    uint64_t offset;         /* in the content */
    uint32_t at, len;
};
struct chunkplan {
    uint8_t *plain; /* CHUNK_MAX bytes, made on first use */
    size_t len;
    struct chunk_piece *piece;
    size_t count, room;
};

void chunkplan_clear(struct chunkplan *p); /* memory is kept */
void chunkplan_wipe(struct chunkplan *p);
/* What is added has to fit. */
void chunkplan_add(struct chunkplan *p, const void *data, size_t len);
/* `len` bytes of the node's content from `offset` on, and zeros up to a full block behind its end. */
void chunkplan_add_content(struct chunkplan *p, const struct node *n, uint64_t offset, size_t len);

/* Put the contents in. */
MUST_USE struct err *chunkplan_read(struct chunkplan *p, struct content_reader *r);

/* A SHA-256 of what the chunk is made of, without reading contents: two plans with one key make the same
 * bytes. Files count by inode, size, mtime and ctime. False when they cannot tell: some file's times do not
 * say whether it was changed (struct content), or it was changed so shortly before `now_ns` that it could
 * change once more within the same tick of its file system's clock, as git has it. */
#define CHUNKPLAN_KEY 32
bool chunkplan_key(const struct chunkplan *p, int64_t now_ns, uint8_t key[CHUNKPLAN_KEY]);

#endif
