/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_COMPRESS_H
#define LADE_LAYERS_COMPRESS_H

#include "base/attr.h"
#include "base/err.h"
#include "base/io.h"
#include "image/mediatype.h"

#include <stddef.h>
#include <stdint.h>

/*
 * How hard to try. A level is one of these, or a number as the format's own tool has it: 0 … 9 for gzip,
 * where 0 … 3 is fast, 4 … 6 the default and 7 … 9 best, because there are three (deflate.h); 1 … 19 for
 * zstd, 0 its default.
 */
#define COMPRESS_DEFAULT_LEVEL (-1)
#define COMPRESS_FAST_LEVEL (-2)
#define COMPRESS_BEST_LEVEL (-3)
/* ERR_USAGE saying which levels there are. Without compression all levels are good. */
MUST_USE struct err *compress_check_level(enum mediatype_compression how, int level);

/* Chunks of at most CHUNK_MAX plain bytes, compressed one by one, for one thread at a time. The bytes depend
 * on nothing but the chunk, `how` and the level; with zstd on the library's version too. COMPRESSION_NONE has
 * none. */
struct compress;
MUST_USE struct err *compress_new(struct compress **out, enum mediatype_compression how, int level);
void compress_free(struct compress *c);
AUTO_DEFINE(struct compress *, compress_free)
/* The room for any chunk. */
size_t compress_bound(const struct compress *c);
MUST_USE struct err *compress_chunk(struct compress *c, const uint8_t *in, size_t len, uint8_t *out,
                                    size_t *out_len);
/* Of COMPRESSION_GZIP: the chunk as a gzip member that ends with it. `room` is at least what it may take. */
size_t compress_member_bound(size_t len);
MUST_USE struct err *compress_member(struct compress *c, const uint8_t *in, size_t len, uint8_t *out,
                                     size_t room, size_t *out_len);
/* What the bytes depend on, in words: "lade-deflate/1 default". New string. */
char *compress_id(enum mediatype_compression how, int level);

/* The plain bytes of a stream, told by its first bytes (gzip, zstd, else plain) or forced by `how`. gzip:
 * several members are one stream, CRC and length are checked, trailing zero bytes are tolerated, other
 * trailing bytes are ERR_INPUT; a cut stream is ERR_INPUT. The inner source, which is owned, has been read to
 * its end before this one ends; on an error it is freed. Does not reopen. */
MUST_USE struct err *decompress_source(struct source **out, struct source *from_take,
                                       enum mediatype_compression how, const char *what);
/* The same, told by the first bytes, and also bzip2 and xz: for what a user adds, not for layers. */
MUST_USE struct err *decompress_any_source(struct source **out, struct source *from_take, const char *what);

#endif
