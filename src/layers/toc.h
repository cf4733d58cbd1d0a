/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_TOC_H
#define LADE_LAYERS_TOC_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "layers/chunkplan.h"
#include "layers/tarheader.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The table of contents of an eStargz layer (containerd/stargz-snapshotter, docs/estargz.md, "TOC"), a JSON
 * text that says where in the blob each file's bytes are and what their digests are. What the planner knows
 * is written into notes of the chunk; offsets and digests go between when the chunk has been written.
 * doc/formats.md describes the text byte by byte.
 */
#define TOC_NAME "stargz.index.json"
#define TOC_LANDMARK ".no.prefetch.landmark"
/* Some three million files. */
#define TOC_MAX ((uint64_t)1 << 30)

/* Text of the entries that begin in a chunk. A zeroed one is empty. */
struct toc_notes {
    struct buf text;
    size_t *hole; /* for each piece of the chunk's plan: where in the text its offset and digests go */
    size_t count, room;
};
void toc_notes_clear(struct toc_notes *n); /* memory is kept */
void toc_notes_wipe(struct toc_notes *n);

/* Is it a name in the root directory that readers know? */
bool toc_is_reserved(const char *name);
/* ERR_INPUT for what the text cannot hold (names that are not UTF-8), or what readers would take for the
 * table itself. */
MUST_USE struct err *toc_check(const struct tar_entry *entry);
/* An entry without content. */
void toc_note_entry(struct toc_notes *n, const struct tar_entry *entry);
/* `len` bytes of the entry's content from `offset` on: the next piece of the chunk's plan. */
void toc_note_piece(struct toc_notes *n, const struct tar_entry *entry, uint64_t offset, size_t len);

/* Where a piece's gzip member begins, and the SHA-256 of the piece. */
struct toc_piece {
    uint64_t offset;
    struct digest digest;
};

/* The table's tar entry, which ends the tar: header, text and two zero blocks. It is written to a temporary
 * file, because nobody knows its beginning, which has its size, before its end. */
struct toc {
    int fd;
    uint8_t *block; /* the newest CHUNK_MAX bytes or less; those before are in the file */
    uint64_t len;
    struct hash *file; /* of the file whose pieces come */
    uint64_t digest_at;
};
/* `fd_take` is an empty file, open to read and write. */
struct toc *toc_new(int fd_take);
void toc_free(struct toc *t);
AUTO_DEFINE(struct toc *, toc_free)
/* The next chunk, after its contents were read: `piece` says more about each piece of the plan. ERR_RESOURCE
 * above TOC_MAX. */
MUST_USE struct err *toc_add(struct toc *t, const struct toc_notes *notes, const struct chunkplan *plan,
                             const struct toc_piece *piece);
/* The end. `digest` is that of the JSON text. */
MUST_USE struct err *toc_end(struct toc *t, struct digest *digest);
/* After toc_end: the entry in blocks of CHUNK_MAX bytes but for the last. `data` is valid until the next
 * call. */
size_t toc_block_count(const struct toc *t);
MUST_USE struct err *toc_block(struct toc *t, size_t i, const uint8_t **data, size_t *len);

#endif
