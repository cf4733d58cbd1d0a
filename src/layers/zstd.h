/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_ZSTD_H
#define LADE_LAYERS_ZSTD_H

#include "base/attr.h"
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/* Zstandard frames (RFC 8878) by libzstd: one frame for each chunk, with its length and without a checksum.
 * The same version of libzstd makes the same bytes; another may not. */

#define ZSTD_LEVEL_MIN 1
#define ZSTD_LEVEL_DEFAULT 3
#define ZSTD_LEVEL_MAX 19

/* For one thread at a time. */
struct zstd;
MUST_USE struct err *zstd_new(struct zstd **out, int level);
void zstd_free(struct zstd *z);
AUTO_DEFINE(struct zstd *, zstd_free)

size_t zstd_bound(size_t len);
/* One frame; `room` is at least zstd_bound(len). */
MUST_USE struct err *zstd_frame(struct zstd *z, const uint8_t *in, size_t len, uint8_t *out, size_t room,
                                size_t *out_len);
/* The version of the library: "1.5.4". */
const char *zstd_version(void);

#endif
