/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_MEMO_H
#define LADE_LAYERS_MEMO_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "layers/chunkplan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What is remembered of a layer that was written, so that the next build does not do the work twice: of each
 * chunk what it was made of, the state of the diff ID's SHA-256 behind it, and where its compressed bytes
 * stand in the layer's blob, which the local store has. It is kept in a file of its own (doc/formats.md,
 * "memo/1") in the folder "layers" of the cache. Whatever is wrong with a memo, nothing is lost but time: it
 * is checked when it is read, and the bytes that it points to are checked when they are taken.
 */
struct memo_chunk {
    uint8_t key[CHUNKPLAN_KEY]; /* zero: not known */
    uint32_t word[8];           /* of the diff ID, behind the chunk */
    uint8_t digest[32];         /* SHA-256 of the compressed bytes */
    uint64_t offset;            /* of the compressed bytes in the blob */
    uint32_t len;               /* plain */
    uint32_t packed_len;
    uint32_t crc; /* of the plain bytes; 0 where the form has none */
};

struct memo {
    struct digest diff_id;
    struct digest blob;
    uint64_t size; /* of the blob */
    struct memo_chunk *chunk;
    size_t count, room;
    uint32_t *slot; /* of memo_find, made on first use */
    size_t slots;
};
void memo_wipe(struct memo *m);

bool memo_has_key(const struct memo_chunk *c);
/* The chunk with the key, or NULL. */
const struct memo_chunk *memo_find(struct memo *m, const uint8_t key[CHUNKPLAN_KEY]);

/* The bytes of the file, format memo/1. `about` says in words what the layer is and what made its bytes. */
void memo_encode(const struct memo *m, const char *about, struct buf *out);
/* ERR_INPUT for bytes that are damaged, of another version, or about something else. */
MUST_USE struct err *memo_decode(struct memo *out, const char *about, const void *data, size_t len);

/* The file in the cache. Nothing here is an error, because a cache costs time only: what goes wrong is told
 * to the log. A memo that is not there or not good is *found false; one that is not good is removed. */
void memo_load(struct memo *out, int cache_dir, const char *about, bool *found);
/* At once or not at all; several processes may do it at a time. When all memos together take more than
 * MEMO_TOTAL_MAX, those that were used longest ago go. */
void memo_save(const struct memo *m, int cache_dir, const char *about);
void memo_remove(int cache_dir, const char *about);

#define MEMO_FOLDER "layers"
#define MEMO_FILE_MAX ((size_t)32 << 20) /* enough for a layer of 150 GB */
#define MEMO_TOTAL_MAX ((uint64_t)64 << 20)

#endif
