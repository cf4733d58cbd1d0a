/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_DEFLATE_H
#define LADE_LAYERS_DEFLATE_H

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The encoder lade-deflate/1: bytes to raw DEFLATE (RFC 1951), for ever the same output for the same input
 * and level (doc/formats.md, "lade-deflate/1"). It computes with integers of fixed width only and reads
 * nothing but its input, so the output depends on no processor, byte order, compiler, address, thread, or
 * earlier use of the encoder.
 *
 * One call compresses one chunk, which refers to nothing before it. Chunks that end with a flush can be put
 * one after the other, in any order; the last one is final, or is followed by DEFLATE_END.
 */

#define DEFLATE_ID "lade-deflate/1"
#define DEFLATE_CHUNK_MAX ((size_t)1 << 20) /* bytes of input in one call */

enum deflate_level {
    DEFLATE_FAST,    /* about Go's gzip -1 in size */
    DEFLATE_DEFAULT, /* between gzip -1 and -6 */
    DEFLATE_BEST,    /* below gzip -9 */
};

/* An empty final block, byte-aligned: what ends a stream of chunks that all end with a flush. */
#define DEFLATE_END "\x03\x00"
#define DEFLATE_END_SIZE 2

/* The state of one encoder, of one fixed size (below 0.7 MiB), for one thread at a time. */
struct deflate;
struct deflate *deflate_new(void);
void deflate_free(struct deflate *d);
AUTO_DEFINE(struct deflate *, deflate_free)

/* The room that deflate_chunk asks for at `len` bytes of input; more than it will use. */
size_t deflate_bound(size_t len);

/* Compress in[0 … len-1] into `out`; returns the number of bytes written, at least 2. `len` is at most
 * DEFLATE_CHUNK_MAX and `room` at least deflate_bound(len): else nothing is written and the return is 0. The
 * output ends with a sync flush (an empty stored block, the bytes 00 00 FF FF), or, if `final`, with the
 * stream's last block. Bytes of `out` after the return value, up to `room`, are undefined. */
size_t deflate_chunk(struct deflate *d, enum deflate_level level, const uint8_t *in, size_t len, uint8_t *out,
                     size_t room, bool final);

#endif
