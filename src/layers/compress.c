/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/compress.h"

#include "base/mem.h"
#include "base/stop.h"

#include <string.h>
#include <zlib.h>

/* The bytes must be a function of the content, not of how it was cut into writes: the compressor is fed by
 * blocks of one size. */
#define BLOCK (128 * 1024)
#define GZIP_WINDOW (15 + 16) /* 32 KiB, with zlib's own gzip header and trailer */
#define GZIP_MEMORY 8
#define GZIP_LEVEL 6
#define GZIP_LEVEL_MAX 9
#define GZIP_OS_UNKNOWN 255

struct gzip_sink {
    struct sink sink;
    struct sink *inner;
    z_stream stream;
    gz_header header; /* deflateSetHeader keeps its address */
    size_t filled;
    Bytef block[BLOCK];
    Bytef packed[BLOCK];
};

static struct err *deflate_block(struct gzip_sink *g, int flush)
{
    int result;

    TRY(stop_check());
    g->stream.next_in = g->block;
    g->stream.avail_in = (uInt)g->filled;
    g->filled = 0;
    do {
        g->stream.next_out = g->packed;
        g->stream.avail_out = sizeof g->packed;
        result = deflate(&g->stream, flush);
        if (result == Z_STREAM_ERROR)
            return err_new(ERR_INTERNAL, "compress: zlib reports %d", result);
        TRY(sink_write(g->inner, g->packed, sizeof g->packed - g->stream.avail_out));
    } while (g->stream.avail_out == 0 || (flush == Z_FINISH && result != Z_STREAM_END));
    return NULL;
}

static struct err *gzip_write(struct sink *s, const void *data, size_t len)
{
    struct gzip_sink *g = (struct gzip_sink *)s;
    const Bytef *from = data;

    while (len > 0) {
        size_t part = sizeof g->block - g->filled;
        if (part > len)
            part = len;
        memcpy(g->block + g->filled, from, part);
        g->filled += part;
        from += part;
        len -= part;
        if (g->filled == sizeof g->block)
            TRY(deflate_block(g, Z_NO_FLUSH));
    }
    return NULL;
}

static struct err *gzip_commit(struct sink *s)
{
    struct gzip_sink *g = (struct gzip_sink *)s;

    TRY(deflate_block(g, Z_FINISH));
    return sink_commit(g->inner);
}

static void gzip_free(struct sink *s)
{
    struct gzip_sink *g = (struct gzip_sink *)s;

    deflateEnd(&g->stream);
    sink_free(g->inner);
    mem_free(g);
}

static const struct sink_ops gzip_ops = {.write = gzip_write, .commit = gzip_commit, .free = gzip_free};

static struct err *gzip_sink(struct sink **out, struct sink *to_take, int level)
{
    AUTO(sink_free) struct sink *to = to_take;

    if (level == COMPRESS_DEFAULT_LEVEL)
        level = GZIP_LEVEL;
    if (level < 0 || level > GZIP_LEVEL_MAX)
        return err_new(ERR_USAGE, "gzip has the compression levels 0 to %d, not %d", GZIP_LEVEL_MAX, level);
    AUTO(mem_free) struct gzip_sink *g = mem_zero(1, sizeof *g);
    int result = deflateInit2(&g->stream, level, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY, Z_DEFAULT_STRATEGY);
    if (result == Z_MEM_ERROR)
        mem_exhausted();
    if (result != Z_OK)
        return err_new(ERR_INTERNAL, "compress: zlib reports %d", result);
    g->header.os = GZIP_OS_UNKNOWN;
    (void)deflateSetHeader(&g->stream, &g->header);
    g->sink.ops = &gzip_ops;
    g->inner = TAKE(to);
    *out = &TAKE(g)->sink;
    return NULL;
}

struct err *compress_sink(struct sink **out, struct sink *to_take, enum mediatype_compression how, int level)
{
    AUTO(sink_free) struct sink *to = to_take;

    switch (how) {
    case COMPRESSION_NONE:
        *out = TAKE(to);
        return NULL;
    case COMPRESSION_GZIP:
        return gzip_sink(out, TAKE(to), level);
    case COMPRESSION_ZSTD:
        return err_new(ERR_UNSUPPORTED, "lade cannot write zstd yet");
    case COMPRESSION_UNKNOWN:
        break;
    }
    return err_new(ERR_INTERNAL, "compress: no compression was chosen");
}
