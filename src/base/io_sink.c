/* SPDX-License-Identifier: Apache-2.0 */
#include "base/io.h"

#include "base/fs.h"
#include "base/mem.h"

#include <unistd.h>

struct err *sink_write(struct sink *s, const void *data, size_t len)
{
    return s->ops->write(s, data, len);
}

struct err *sink_commit(struct sink *s)
{
    return s->ops->commit(s);
}

void sink_free(struct sink *s)
{
    if (s)
        s->ops->free(s);
}

/* A descriptor. */
struct fd_sink {
    struct sink sink;
    int fd;
};

static struct err *fd_sink_write(struct sink *s, const void *data, size_t len)
{
    return fd_write(((struct fd_sink *)s)->fd, data, len, "output");
}

static struct err *fd_sink_commit(struct sink *s)
{
    struct fd_sink *f = (struct fd_sink *)s;
    return close(fd_take(&f->fd)) == 0 ? NULL : err_sys("write output");
}

static void fd_sink_free(struct sink *s)
{
    struct fd_sink *f = (struct fd_sink *)s;
    fd_close_auto(&f->fd);
    free(f);
}

static const struct sink_ops fd_sink_ops = {
    .write = fd_sink_write, .commit = fd_sink_commit, .free = fd_sink_free};

struct sink *sink_fd(int fd)
{
    struct fd_sink *f = mem_zero(1, sizeof *f);
    f->sink.ops = &fd_sink_ops;
    f->fd = fd;
    return &f->sink;
}

/* A buffer. */
struct buf_sink {
    struct sink sink;
    struct buf *out;
};

static struct err *buf_sink_write(struct sink *s, const void *data, size_t len)
{
    struct buf *out = ((struct buf_sink *)s)->out;
    buf_add(out, data, len);
    return buf_check(out, "output");
}

static struct err *buf_sink_commit(struct sink *s)
{
    return buf_check(((struct buf_sink *)s)->out, "output");
}

static void plain_free(struct sink *s)
{
    free(s);
}

static const struct sink_ops buf_sink_ops = {
    .write = buf_sink_write, .commit = buf_sink_commit, .free = plain_free};

struct sink *sink_buf(struct buf *out)
{
    struct buf_sink *b = mem_zero(1, sizeof *b);
    b->sink.ops = &buf_sink_ops;
    b->out = out;
    return &b->sink;
}

/* Nowhere. */
static struct err *discard_write(struct sink *s, const void *data, size_t len)
{
    (void)s, (void)data, (void)len;
    return NULL;
}

static struct err *discard_commit(struct sink *s)
{
    (void)s;
    return NULL;
}

static const struct sink_ops discard_ops = {
    .write = discard_write, .commit = discard_commit, .free = plain_free};

struct sink *sink_discard(void)
{
    struct sink *s = mem_zero(1, sizeof *s);
    s->ops = &discard_ops;
    return s;
}

/* Another sink, counted and digested on the way. */
struct digest_sink {
    struct sink sink;
    struct sink *inner;
    struct hash *hash;
    uint64_t count;
    struct digest *digest;
    uint64_t *size;
};

static struct err *digest_sink_write(struct sink *s, const void *data, size_t len)
{
    struct digest_sink *d = (struct digest_sink *)s;

    hash_add(d->hash, data, len);
    d->count += len;
    return d->inner ? sink_write(d->inner, data, len) : NULL;
}

static struct err *digest_sink_commit(struct sink *s)
{
    struct digest_sink *d = (struct digest_sink *)s;

    if (d->digest)
        *d->digest = hash_value(d->hash);
    if (d->size)
        *d->size = d->count;
    return d->inner ? sink_commit(d->inner) : NULL;
}

static void digest_sink_free(struct sink *s)
{
    struct digest_sink *d = (struct digest_sink *)s;
    sink_free(d->inner);
    hash_free(d->hash);
    free(d);
}

static const struct sink_ops digest_sink_ops = {
    .write = digest_sink_write,
    .commit = digest_sink_commit,
    .free = digest_sink_free,
};

struct sink *sink_digest(struct sink *inner, struct digest *digest, uint64_t *size)
{
    struct digest_sink *d = mem_zero(1, sizeof *d);

    d->sink.ops = &digest_sink_ops;
    d->inner = inner;
    d->hash = hash_new(DIGEST_SHA256);
    d->digest = digest;
    d->size = size;
    return &d->sink;
}
