/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_GZIP_H
#define LADE_LAYERS_GZIP_H

#include <stddef.h>
#include <stdint.h>

/*
 * gzip (RFC 1952) around chunks of raw deflate that each end with a flush. The header has no name and no
 * time, OS 255. All chunks stand in one member, because some readers of layers stop after the first; but a
 * member ends before its plain bytes reach 4 GiB, where others stumble. doc/formats.md describes the bytes.
 */

#define GZIP_MEMBER_CHUNKS 4095

/* A zeroed one is at the beginning. */
struct gzip {
    unsigned chunks; /* in the member that is open */
    uint32_t crc;    /* of its plain bytes */
    uint64_t len;
};

#define GZIP_FRAME_MAX 32

/* What stands before the next chunk; returns the number of bytes, which may be 0. */
size_t gzip_before_chunk(struct gzip *g, uint8_t frame[GZIP_FRAME_MAX]);
/* A chunk with these plain bytes has been written. */
void gzip_add_chunk(struct gzip *g, uint32_t crc, size_t len);
/* What stands at the end; there was at least one chunk. */
size_t gzip_end(struct gzip *g, uint8_t frame[GZIP_FRAME_MAX]);

/* The same for a member around one deflate stream that ends itself. */
#define GZIP_HEADER_SIZE 10
#define GZIP_TRAILER_SIZE 8
void gzip_header(uint8_t to[GZIP_HEADER_SIZE]);
void gzip_trailer(uint8_t to[GZIP_TRAILER_SIZE], uint32_t crc, uint64_t len);

uint32_t gzip_crc(const uint8_t *data, size_t len);

#endif
