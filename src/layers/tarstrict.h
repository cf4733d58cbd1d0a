/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_TARSTRICT_H
#define LADE_LAYERS_TARSTRICT_H

#include "base/attr.h"
#include "base/err.h"
#include "base/io.h"
#include "layers/tarlimits.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Tar bytes let through only while they mean the same to every reader. Tar libraries differ on archives that
 * are broken in a clever way (which name counts, where the next header is), and some go on where they should
 * stop; so the headers are walked here first, and nothing behind a fault reaches the reader.
 *
 * ERR_INPUT: a wrong checksum; numbers that are none or negative; two extended headers, or two long names,
 * for one entry; a NUL in a name; data behind a link, directory or device; a lone zero block between entries;
 * bytes other than zeros after the end; a cut archive. That the two zero blocks at the end are missing is no
 * fault, nor that the padding of the last file is. ERR_UNSUPPORTED: entry types that no image has.
 * ERR_RESOURCE: limits.
 */
struct tarstrict;
/* `from` is borrowed. The source ends where the archive's bytes end. */
struct tarstrict *tarstrict_new(struct source *from, const struct tarlimits *limits);
struct source *tarstrict_source(struct tarstrict *t); /* borrowed */
/* The entries seen so far (extended headers and long names belong to the entry after them). */
uint64_t tarstrict_entries(const struct tarstrict *t);
void tarstrict_free(struct tarstrict *t);
AUTO_DEFINE(struct tarstrict *, tarstrict_free)

/* Is this block a header: a right checksum, not all zeros? */
#define TARSTRICT_BLOCK 512
bool tarstrict_is_header(const uint8_t block[TARSTRICT_BLOCK]);

#endif
