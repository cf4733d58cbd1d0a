/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/gzip.h"

#include "layers/deflate.h"

#include <string.h>
#include <zlib.h>

static const uint8_t header[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255};

static void put_u32(uint8_t *to, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> 8 * i);
}

size_t gzip_end(struct gzip *g, uint8_t frame[GZIP_FRAME_MAX])
{
    memcpy(frame, DEFLATE_END, DEFLATE_END_SIZE);
    put_u32(frame + DEFLATE_END_SIZE, g->crc);
    put_u32(frame + DEFLATE_END_SIZE + 4, (uint32_t)g->len);
    *g = (struct gzip){0};
    return DEFLATE_END_SIZE + 8;
}

size_t gzip_before_chunk(struct gzip *g, uint8_t frame[GZIP_FRAME_MAX])
{
    size_t len = 0;

    if (g->chunks > 0 && g->chunks < GZIP_MEMBER_CHUNKS)
        return 0;
    if (g->chunks > 0)
        len = gzip_end(g, frame);
    memcpy(frame + len, header, sizeof header);
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
    return (uint32_t)crc32_z(0, data, len);
}
