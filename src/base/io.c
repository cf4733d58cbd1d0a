/* SPDX-License-Identifier: Apache-2.0 */
#include "base/io.h"

#include "base/fs.h"
#include "base/mem.h"
#include "base/stop.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define PIECE (128 * 1024)

struct err *source_peek(struct source *s, const uint8_t **data, size_t *len)
{
    return s->ops->peek(s, data, len);
}

void source_advance(struct source *s, size_t len)
{
    s->ops->advance(s, len);
}

bool source_can_reopen(const struct source *s)
{
    return s->ops->reopen != NULL;
}

struct err *source_reopen(struct source *s, uint64_t offset)
{
    assert(s->ops->reopen);
    return s->ops->reopen(s, offset);
}

void source_free(struct source *s)
{
    if (s)
        s->ops->free(s);
}

struct err *source_read(struct source *s, void *data, size_t len, size_t *got)
{
    uint8_t *to = data;
    size_t filled = 0;

    while (filled < len) {
        const uint8_t *piece;
        size_t n;
        TRY(source_peek(s, &piece, &n));
        if (n == 0)
            break;
        if (n > len - filled)
            n = len - filled;
        memcpy(to + filled, piece, n);
        source_advance(s, n);
        filled += n;
    }
    *got = filled;
    return NULL;
}

struct err *source_read_all(struct source *s, struct buf *out, const char *what)
{
    for (;;) {
        const uint8_t *data;
        size_t len;
        TRY(source_peek(s, &data, &len));
        if (len == 0)
            return buf_check(out, what);
        buf_add(out, data, len);
        TRY(buf_check(out, what));
        source_advance(s, len);
    }
}

struct err *source_drain(struct source *s)
{
    return io_copy(NULL, s, NULL);
}

/* A descriptor that is read from where it stands. */
struct fd_source {
    struct source source;
    int fd;
    off_t start; /* where it stood at first */
    uint8_t *piece;
    size_t from, to; /* what of the piece is not used yet */
};

static struct err *fd_source_peek(struct source *s, const uint8_t **data, size_t *len)
{
    struct fd_source *f = (struct fd_source *)s;

    if (!f->piece)
        f->piece = mem_alloc(PIECE);
    while (f->from == f->to) {
        ssize_t got = read(f->fd, f->piece, PIECE);
        if (got < 0 && errno == EINTR) {
            TRY(stop_check());
            continue;
        }
        if (got < 0)
            return err_sys("read");
        f->from = 0;
        f->to = (size_t)got;
        if (got == 0)
            break;
    }
    *data = f->piece + f->from;
    *len = f->to - f->from;
    return NULL;
}

static void fd_source_advance(struct source *s, size_t len)
{
    struct fd_source *f = (struct fd_source *)s;
    assert(len <= f->to - f->from);
    f->from += len;
}

static struct err *fd_source_reopen(struct source *s, uint64_t offset)
{
    struct fd_source *f = (struct fd_source *)s;

    if (offset > (uint64_t)(INT64_MAX - f->start))
        return err_new(ERR_INTERNAL, "read again from byte %" PRIu64 ": no file is so long", offset);
    if (lseek(f->fd, f->start + (off_t)offset, SEEK_SET) < 0)
        return err_sys("read again from byte %" PRIu64, offset);
    f->from = f->to = 0;
    return NULL;
}

static void fd_source_free(struct source *s)
{
    struct fd_source *f = (struct fd_source *)s;
    fd_close(f->fd);
    free(f->piece);
    free(f);
}

static const struct source_ops fd_source_ops = {
    .peek = fd_source_peek,
    .advance = fd_source_advance,
    .reopen = fd_source_reopen,
    .free = fd_source_free,
};

static const struct source_ops fd_stream_ops = {
    .peek = fd_source_peek,
    .advance = fd_source_advance,
    .free = fd_source_free,
};

struct source *source_fd(int fd)
{
    struct fd_source *f = mem_zero(1, sizeof *f);

    f->fd = fd;
    f->start = lseek(fd, 0, SEEK_CUR);
    f->source.ops = f->start < 0 ? &fd_stream_ops : &fd_source_ops;
    return &f->source;
}

/* Part of a file. */
struct range_source {
    struct source source;
    int fd;
    uint64_t start, len;
    uint64_t next; /* what is read next, from `start` */
    uint8_t *piece;
    size_t from, to;
};

static struct err *range_peek(struct source *s, const uint8_t **data, size_t *len)
{
    struct range_source *r = (struct range_source *)s;
    uint64_t left = r->len - r->next;

    if (r->start > INT64_MAX || r->next > INT64_MAX - r->start)
        return err_new(ERR_INTERNAL, "read from byte %" PRIu64 ": no file is so long", r->start);
    if (!r->piece)
        r->piece = mem_alloc(r->len > 0 && r->len < PIECE ? (size_t)r->len : PIECE);
    while (r->from == r->to && left > 0) {
        ssize_t got =
            pread(r->fd, r->piece, left < PIECE ? (size_t)left : PIECE, (off_t)(r->start + r->next));
        if (got < 0 && errno == EINTR) {
            TRY(stop_check());
            continue;
        }
        if (got < 0)
            return err_sys("read");
        if (got == 0)
            return err_new(ERR_INTEGRITY, "the file ends %" PRIu64 " bytes too early", left);
        r->next += (uint64_t)got;
        r->from = 0;
        r->to = (size_t)got;
    }
    *data = r->piece + r->from;
    *len = r->to - r->from;
    return NULL;
}

static void range_advance(struct source *s, size_t len)
{
    struct range_source *r = (struct range_source *)s;
    assert(len <= r->to - r->from);
    r->from += len;
}

static struct err *range_reopen(struct source *s, uint64_t offset)
{
    struct range_source *r = (struct range_source *)s;

    if (offset > r->len)
        return err_new(ERR_INTERNAL, "read again from byte %" PRIu64 " of %" PRIu64, offset, r->len);
    r->next = offset;
    r->from = r->to = 0;
    return NULL;
}

static void range_free(struct source *s)
{
    struct range_source *r = (struct range_source *)s;
    fd_close(r->fd);
    free(r->piece);
    free(r);
}

static const struct source_ops range_ops = {
    .peek = range_peek,
    .advance = range_advance,
    .reopen = range_reopen,
    .free = range_free,
};

struct source *source_fd_range(int fd, uint64_t start, uint64_t len)
{
    struct range_source *r = mem_zero(1, sizeof *r);

    r->source.ops = &range_ops;
    r->fd = fd;
    r->start = start;
    r->len = len;
    return &r->source;
}

/* Bytes in memory. */
struct mem_source {
    struct source source;
    char *data;
    size_t len, at;
};

static struct err *mem_source_peek(struct source *s, const uint8_t **data, size_t *len)
{
    struct mem_source *m = (struct mem_source *)s;
    *len = m->len - m->at;
    *data = *len ? (const uint8_t *)m->data + m->at : NULL;
    return NULL;
}

static void mem_source_advance(struct source *s, size_t len)
{
    struct mem_source *m = (struct mem_source *)s;
    assert(len <= m->len - m->at);
    m->at += len;
}

static struct err *mem_source_reopen(struct source *s, uint64_t offset)
{
    struct mem_source *m = (struct mem_source *)s;

    if (offset > m->len)
        return err_new(ERR_INTERNAL, "read again from byte %" PRIu64 " of %zu", offset, m->len);
    m->at = (size_t)offset;
    return NULL;
}

static void mem_source_free(struct source *s)
{
    struct mem_source *m = (struct mem_source *)s;
    free(m->data);
    free(m);
}

static const struct source_ops mem_source_ops = {
    .peek = mem_source_peek,
    .advance = mem_source_advance,
    .reopen = mem_source_reopen,
    .free = mem_source_free,
};

struct source *source_mem_take(char *data, size_t len)
{
    struct mem_source *m = mem_zero(1, sizeof *m);

    m->source.ops = &mem_source_ops;
    m->data = data;
    m->len = len;
    return &m->source;
}

struct source *source_mem(const void *data, size_t len)
{
    return source_mem_take(len ? mem_dup(data, len) : NULL, len);
}

struct err *io_copy(struct sink *to, struct source *from, uint64_t *count)
{
    uint64_t total = 0;

    for (;;) {
        const uint8_t *data;
        size_t len;
        TRY(stop_check());
        TRY(source_peek(from, &data, &len));
        if (len == 0)
            break;
        if (to)
            TRY(sink_write(to, data, len));
        source_advance(from, len);
        total += len;
    }
    if (count)
        *count = total;
    return NULL;
}
