/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_UNTAR_H
#define LADE_LAYERS_UNTAR_H

#include "base/attr.h"
#include "base/err.h"
#include "base/io.h"
#include "layers/entries.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The door to libarchive, and the only one: tar entries, and the compressions that lade does not read itself.
 * No file, no program and no global state is touched. Whatever libarchive returns other than "fine" and "end"
 * is ERR_INPUT with its text, but for names that it cannot convert to the locale's characters: those are kept
 * as the bytes that they are.
 */
struct untar;

/* `from` gives plain tar bytes and is borrowed. */
MUST_USE struct err *untar_open(struct untar **out, struct source *from);
/* The next entry, borrowed until the call after; *more false at the end. What is left of the last one's data
 * is skipped. */
MUST_USE struct err *untar_next(struct untar *u, struct entry *entry, bool *more);
/* The extended attributes of the entry, one a call; false when there are no more. */
bool untar_next_xattr(struct untar *u, const char **name, const void **value, size_t *len);
/* The entry's data: exactly `size` bytes, holes as zeros. Borrowed until untar_next. */
struct source *untar_data(struct untar *u);
/* After the last entry: the rest of the source is read, so that whatever checks it sees all of it. */
MUST_USE struct err *untar_end(struct untar *u);
void untar_free(struct untar *u);
/* Read a small tar of our own, so that libarchive and the C library load what they load at the first use:
 * afterwards no file is opened. */
void untar_warm_up(void);
AUTO_DEFINE(struct untar *, untar_free)

/* Decompression. A stream that is cut or broken is ERR_INPUT; the inner source is read to its end before this
 * one ends. */
enum untar_filter { UNTAR_BZIP2, UNTAR_XZ, UNTAR_ZSTD };
MUST_USE struct err *untar_filter_source(struct source **out, struct source *from_take,
                                         enum untar_filter filter);

#endif
