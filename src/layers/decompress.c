/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/compress.h"

#include "base/mem.h"
#include "base/str.h"
#include "layers/untar.h"

#include <assert.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#define ZLIB_CONST
#include <zlib.h>

#define PIECE (256 * 1024)
/* Of one stream. A member costs little and may be empty, so their number is what bounds the work. */
#define MEMBERS_MAX 100000
#define GZIP_WINDOW (15 + 16) /* the largest, with a gzip header around it */

struct gzip_source {
    struct source source;
    struct source *from;
    z_stream z;
    unsigned members;
    bool in_member, ended;
    uint8_t *piece;
    size_t start, end; /* what of the piece is not used yet */
    struct err *later; /* what is wrong behind the piece */
    char *what;
};

static struct err *gzip_error(const struct gzip_source *g, const char *why)
{
    return err_new(ERR_INPUT, "%s: the gzip data is damaged: %s", g->what, why);
}

/* Between members: another one, or zeros to the end, or the end. */
static struct err *next_member(struct gzip_source *g, const uint8_t *data, size_t len)
{
    if (len > 0 && data[0] == 0x1f) {
        if (++g->members > MEMBERS_MAX)
            return err_new(ERR_RESOURCE, "%s: more than %d gzip members", g->what, MEMBERS_MAX);
        if (inflateReset(&g->z) != Z_OK)
            return err_new(ERR_INTERNAL, "reset zlib");
        g->in_member = true;
        return NULL;
    }
    if (g->members == 0)
        return err_new(ERR_INPUT, "%s: not gzip data", g->what);
    while (len > 0) {
        for (size_t i = 0; i < len; i++) {
            if (data[i])
                return gzip_error(g, "there are other bytes after its end");
        }
        source_advance(g->from, len);
        TRY(source_peek(g->from, &data, &len));
    }
    g->ended = true;
    return NULL;
}

/* What came before the damage goes out first: it tells whoever looks at the beginning what this was to be. */
static struct err *spoiled(struct gzip_source *g, const char *why)
{
    struct err *e = gzip_error(g, why);
    if (g->end == 0)
        return e;
    g->later = e;
    return NULL;
}

static struct err *inflate_piece(struct gzip_source *g, const uint8_t *data, size_t len)
{
    uInt given = len > UINT_MAX ? UINT_MAX : (uInt)len;

    if (len == 0)
        return gzip_error(g, "it is cut off");
    g->z.next_in = data;
    g->z.avail_in = given;
    g->z.next_out = g->piece;
    g->z.avail_out = PIECE;
    int status = inflate(&g->z, Z_NO_FLUSH);
    source_advance(g->from, given - g->z.avail_in);
    g->start = 0;
    g->end = PIECE - g->z.avail_out;
    if (status == Z_STREAM_END) {
        g->in_member = false;
        return NULL;
    }
    if (status == Z_MEM_ERROR)
        mem_exhausted();
    if (status == Z_NEED_DICT)
        return spoiled(g, "it needs a dictionary");
    if (status != Z_OK && status != Z_BUF_ERROR) {
        AUTO(mem_free) char *why = str_safe(g->z.msg ? g->z.msg : "no reason given");
        return spoiled(g, why);
    }
    return NULL;
}

static struct err *gzip_peek(struct source *s, const uint8_t **data, size_t *len)
{
    struct gzip_source *g = (struct gzip_source *)s;

    if (!g->piece)
        g->piece = mem_alloc(PIECE);
    while (g->start == g->end && !g->ended) {
        const uint8_t *in;
        size_t in_len;
        TRY(TAKE(g->later));
        TRY(source_peek(g->from, &in, &in_len));
        if (!g->in_member)
            TRY(next_member(g, in, in_len));
        else
            TRY(inflate_piece(g, in, in_len));
    }
    *data = g->piece + g->start;
    *len = g->end - g->start;
    return NULL;
}

static void gzip_advance(struct source *s, size_t len)
{
    struct gzip_source *g = (struct gzip_source *)s;

    assert(len <= g->end - g->start);
    g->start += len;
}

static void gzip_free(struct source *s)
{
    struct gzip_source *g = (struct gzip_source *)s;

    (void)inflateEnd(&g->z);
    source_free(g->from);
    err_free(g->later);
    mem_free(g->piece);
    mem_free(g->what);
    mem_free(g);
}

static const struct source_ops gzip_ops = {.peek = gzip_peek, .advance = gzip_advance, .free = gzip_free};

static struct source *gzip_source(struct source *from, const char *what)
{
    struct gzip_source *g = mem_zero(1, sizeof *g);

    g->source.ops = &gzip_ops;
    g->from = from;
    g->what = mem_strdup(what);
    if (inflateInit2(&g->z, GZIP_WINDOW) != Z_OK)
        mem_exhausted();
    return &g->source;
}

/* A few bytes that were read to look at them, and the rest behind them. */
#define HEAD 6

struct head_source {
    struct source source;
    struct source *rest;
    uint8_t head[HEAD];
    size_t len, at;
};

static struct err *head_peek(struct source *s, const uint8_t **data, size_t *len)
{
    struct head_source *h = (struct head_source *)s;

    if (h->at == h->len)
        return source_peek(h->rest, data, len);
    *data = h->head + h->at;
    *len = h->len - h->at;
    return NULL;
}

static void head_advance(struct source *s, size_t len)
{
    struct head_source *h = (struct head_source *)s;

    if (h->at == h->len)
        source_advance(h->rest, len);
    else
        h->at += len;
    assert(h->at <= h->len);
}

static void head_free(struct source *s)
{
    struct head_source *h = (struct head_source *)s;

    source_free(h->rest);
    mem_free(h);
}

static const struct source_ops head_ops = {.peek = head_peek, .advance = head_advance, .free = head_free};

/* `from` is taken over; on success *out stands in its place. */
static struct err *look(struct source **out, struct source *from, uint8_t head[HEAD], size_t *len)
{
    struct head_source *h = mem_zero(1, sizeof *h);
    AUTO(source_free) struct source *made = &h->source;

    h->source.ops = &head_ops;
    h->rest = from;
    TRY(source_read(from, h->head, HEAD, &h->len));
    memcpy(head, h->head, HEAD);
    *len = h->len;
    *out = TAKE(made);
    return NULL;
}

static bool begins(const uint8_t *head, size_t len, const char *magic, size_t magic_len)
{
    return len >= magic_len && memcmp(head, magic, magic_len) == 0;
}

static bool is_zstd(const uint8_t *head, size_t len)
{
    /* A skippable frame may come first: 16 numbers are for those. */
    return begins(head, len, "\x28\xb5\x2f\xfd", 4) ||
           (len >= 4 && (head[0] & 0xf0) == 0x50 && memcmp(head + 1, "\x2a\x4d\x18", 3) == 0);
}

static struct err *filter(struct source **out, struct source *from, enum untar_filter how, const char *what)
{
    return err_wrap(untar_filter_source(out, from, how), "%s", what);
}

static struct err *by_content(struct source **out, struct source *from, bool any, const char *what)
{
    uint8_t head[HEAD] = {0};
    size_t len = 0;
    struct source *whole = NULL;

    TRY(err_wrap(look(&whole, from, head, &len), "%s", what));
    if (begins(head, len, "\x1f\x8b", 2)) {
        *out = gzip_source(whole, what);
        return NULL;
    }
    if (is_zstd(head, len))
        return filter(out, whole, UNTAR_ZSTD, what);
    if (any && begins(head, len, "BZh", 3))
        return filter(out, whole, UNTAR_BZIP2, what);
    if (any && begins(head, len, "\xfd\x37zXZ", 6))
        return filter(out, whole, UNTAR_XZ, what);
    *out = whole;
    return NULL;
}

struct err *decompress_source(struct source **out, struct source *from, enum mediatype_compression how,
                              const char *what)
{
    switch (how) {
    case COMPRESSION_NONE:
        *out = from;
        return NULL;
    case COMPRESSION_GZIP:
        *out = gzip_source(from, what);
        return NULL;
    case COMPRESSION_ZSTD:
        return filter(out, from, UNTAR_ZSTD, what);
    case COMPRESSION_UNKNOWN:
        break;
    }
    return by_content(out, from, false, what);
}

struct err *decompress_any_source(struct source **out, struct source *from, const char *what)
{
    return by_content(out, from, true, what);
}
