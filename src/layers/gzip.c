/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/gzip.h"

#include "layers/crc.h"
#include "layers/deflate.h"

#include <string.h>
#include <zlib.h>

static const uint8_t header[GZIP_HEADER_SIZE] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255};

static void put_u32(uint8_t *to, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> 8 * i);
}

void gzip_header(uint8_t to[GZIP_HEADER_SIZE])
{
    memcpy(to, header, sizeof header);
}

void gzip_trailer(uint8_t to[GZIP_TRAILER_SIZE], uint32_t crc, uint64_t len)
{
    put_u32(to, crc);
    put_u32(to + 4, (uint32_t)len);
}

size_t gzip_end(struct gzip *g, uint8_t frame[GZIP_FRAME_MAX])
{
    memcpy(frame, DEFLATE_END, DEFLATE_END_SIZE);
    gzip_trailer(frame + DEFLATE_END_SIZE, g->crc, g->len);
    *g = (struct gzip){0};
    return DEFLATE_END_SIZE + GZIP_TRAILER_SIZE;
}

size_t gzip_before_chunk(struct gzip *g, uint8_t frame[GZIP_FRAME_MAX])
{
    size_t len = 0;

    if (g->chunks > 0 && g->chunks < GZIP_MEMBER_CHUNKS)
        return 0;
    if (g->chunks > 0)
        len = gzip_end(g, frame);
    gzip_header(frame + len);
    return len + sizeof header;
}

void gzip_add_chunk(struct gzip *g, uint32_t crc, size_t len)
{
    g->crc = (uint32_t)crc32_combine(g->crc, crc, (z_off_t)len);
    g->len += len;
    g->chunks++;
}

uint32_t gzip_crc(const uint8_t *data, size_t len)
{
    size_t fast = len >= CRC_LEAST && crc_is_fast() ? len - len % CRC_BLOCK : 0;
    uint32_t crc = fast ? crc_add(0, data, fast) : 0;

    return (uint32_t)crc32_z(crc, data + fast, len - fast);
}
