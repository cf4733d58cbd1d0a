/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_COMPRESS_H
#define LADE_LAYERS_COMPRESS_H

#include "base/attr.h"
#include "base/err.h"
#include "base/io.h"
#include "image/mediatype.h"

/* Compressed streams. What is written is defined by lade's version: gzip header without name and time, OS
 * 255, one member. */

#define COMPRESS_DEFAULT_LEVEL (-1)

/* Commit finishes the stream and commits `to_take`, which is owned. */
MUST_USE struct err *compress_sink(struct sink **out, struct sink *to_take, enum mediatype_compression how,
                                   int level);

/* The plain bytes of a stream, told by its first bytes (gzip, zstd, else plain) or forced by `how`. gzip:
 * several members are one stream, CRC and length are checked, trailing zero bytes are tolerated, other
 * trailing bytes are ERR_INPUT; a cut stream is ERR_INPUT. The inner source, which is owned, has been read to
 * its end before this one ends; on an error it is freed. Does not reopen. */
MUST_USE struct err *decompress_source(struct source **out, struct source *from_take,
                                       enum mediatype_compression how, const char *what);
/* The same, told by the first bytes, and also bzip2 and xz: for what a user adds, not for layers. */
MUST_USE struct err *decompress_any_source(struct source **out, struct source *from_take, const char *what);

#endif
