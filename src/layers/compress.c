/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/compress.h"

#include "base/mem.h"
#include "layers/chunk.h"
#include "layers/deflate.h"
#include "layers/gzip.h"
#include "layers/zstd.h"

#define GZIP_LEVEL_MAX 9

static const char *const deflate_names[] = {
    [DEFLATE_FAST] = "fast", [DEFLATE_DEFAULT] = "default", [DEFLATE_BEST] = "best"};

struct compress {
    struct deflate *deflate; /* one of them */
    struct zstd *zstd;
    enum deflate_level level;
    size_t bound;
};

static enum deflate_level deflate_level_of(int level)
{
    if (level == COMPRESS_FAST_LEVEL || (level >= 0 && level <= 3))
        return DEFLATE_FAST;
    if (level == COMPRESS_BEST_LEVEL || level > 6)
        return DEFLATE_BEST;
    return DEFLATE_DEFAULT;
}

static int zstd_level_of(int level)
{
    switch (level) {
    case COMPRESS_FAST_LEVEL:
        return ZSTD_LEVEL_MIN;
    case COMPRESS_BEST_LEVEL:
        return ZSTD_LEVEL_MAX;
    case COMPRESS_DEFAULT_LEVEL:
    case 0:
        return ZSTD_LEVEL_DEFAULT;
    default:
        return level;
    }
}

struct err *compress_check_level(enum mediatype_compression how, int level)
{
    bool named = level < 0 && level >= COMPRESS_BEST_LEVEL;
    int max = how == COMPRESSION_ZSTD ? ZSTD_LEVEL_MAX : GZIP_LEVEL_MAX;

    if (named || how == COMPRESSION_NONE || (level >= 0 && level <= max))
        return NULL;
    return err_new(ERR_USAGE, "%s has the compression levels fast, default, best and 0 to %d, not %d",
                   how == COMPRESSION_ZSTD ? "zstd" : "gzip", max, level);
}

struct err *compress_new(struct compress **out, enum mediatype_compression how, int level)
{
    AUTO(compress_free) struct compress *c = mem_zero(1, sizeof *c);

    TRY(compress_check_level(how, level));
    switch (how) {
    case COMPRESSION_GZIP:
        c->deflate = deflate_new();
        c->level = deflate_level_of(level);
        c->bound = deflate_bound(CHUNK_MAX);
        break;
    case COMPRESSION_ZSTD:
        TRY(zstd_new(&c->zstd, zstd_level_of(level)));
        c->bound = zstd_bound(CHUNK_MAX);
        break;
    case COMPRESSION_NONE:
    case COMPRESSION_UNKNOWN:
        return err_new(ERR_INTERNAL, "compress: no compression was chosen");
    }
    *out = TAKE(c);
    return NULL;
}

void compress_free(struct compress *c)
{
    if (!c)
        return;
    deflate_free(c->deflate);
    zstd_free(c->zstd);
    mem_free(c);
}

size_t compress_bound(const struct compress *c)
{
    return c->bound;
}

struct err *compress_chunk(struct compress *c, const uint8_t *in, size_t len, uint8_t *out, size_t *out_len)
{
    if (c->zstd)
        return zstd_frame(c->zstd, in, len, out, c->bound, out_len);
    *out_len = deflate_chunk(c->deflate, c->level, in, len, out, c->bound, false);
    return *out_len > 0 ? NULL : err_new(ERR_INTERNAL, "compress: a chunk of %zu bytes does not fit", len);
}

size_t compress_member_bound(size_t len)
{
    return GZIP_HEADER_SIZE + deflate_bound(len) + GZIP_TRAILER_SIZE;
}

struct err *compress_member(struct compress *c, const uint8_t *in, size_t len, uint8_t *out, size_t room,
                            size_t *out_len)
{
    size_t used = 0;

    if (c->deflate && room >= compress_member_bound(len))
        used = deflate_chunk(c->deflate, c->level, in, len, out + GZIP_HEADER_SIZE,
                             room - GZIP_HEADER_SIZE - GZIP_TRAILER_SIZE, true);
    if (used == 0)
        return err_new(ERR_INTERNAL, "compress: a gzip member of %zu bytes does not fit", len);
    gzip_header(out);
    gzip_trailer(out + GZIP_HEADER_SIZE + used, gzip_crc(in, len), len);
    *out_len = GZIP_HEADER_SIZE + used + GZIP_TRAILER_SIZE;
    return NULL;
}

char *compress_id(enum mediatype_compression how, int level)
{
    switch (how) {
    case COMPRESSION_GZIP:
        return mem_printf("%s %s", DEFLATE_ID, deflate_names[deflate_level_of(level)]);
    case COMPRESSION_ZSTD:
        return mem_printf("zstd/%s %d", zstd_version(), zstd_level_of(level));
    case COMPRESSION_NONE:
    case COMPRESSION_UNKNOWN:
        break;
    }
    return mem_strdup("plain");
}
