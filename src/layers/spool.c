/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/spool.h"

#include "base/fs.h"
#include "base/mem.h"
#include "base/stop.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <unistd.h>

#define PIECE (128 * 1024)

struct spool {
    int fd;
    atomic_uint_fast64_t end; /* of what is taken */
};

struct err *spool_new(struct spool **out, int dirfd)
{
    AUTO(fd_close) int fd = -1;

    TRY(err_wrap(fs_temp(&fd, dirfd), "keep file contents for a while"));
    struct spool *s = mem_zero(1, sizeof *s);
    s->fd = fd_take(&fd);
    *out = s;
    return NULL;
}

void spool_free(struct spool *s)
{
    if (!s)
        return;
    fd_close(s->fd);
    mem_free(s);
}

/* By position: several threads add at once, and what a failed one left behind may be written over. */
static struct err *write_at(int fd, const uint8_t *data, size_t len, uint64_t at)
{
    while (len > 0) {
        ssize_t wrote = pwrite(fd, data, len, (off_t)at);
        if (wrote < 0 && errno == EINTR) {
            TRY(stop_check());
            continue;
        }
        if (wrote < 0)
            return err_sys("keep file contents for a while");
        data += wrote;
        len -= (size_t)wrote;
        at += (uint64_t)wrote;
    }
    return NULL;
}

static struct err *fill(const struct spool *s, struct source *from, uint64_t size, uint64_t at)
{
    uint64_t done = 0;

    while (done < size) {
        const uint8_t *data;
        size_t len;
        TRY(stop_check());
        TRY(source_peek(from, &data, &len));
        if (len == 0)
            return err_new(ERR_INPUT, "the data ends %" PRIu64 " bytes too early", size - done);
        if (len > size - done)
            len = (size_t)(size - done);
        TRY(write_at(s->fd, data, len, at + done));
        source_advance(from, len);
        done += len;
    }
    return NULL;
}

struct err *spool_add(struct spool *s, struct source *from, uint64_t size, uint64_t *offset)
{
    if (size > (uint64_t)INT64_MAX - atomic_load(&s->end))
        return err_new(ERR_RESOURCE, "a file of %" PRIu64 " bytes is too large to keep", size);
    uint_fast64_t at = atomic_fetch_add(&s->end, size), end = at + size;
    struct err *e = fill(s, from, size, at);
    if (e) {
        (void)atomic_compare_exchange_strong(&s->end, &end, at);
        return e;
    }
    *offset = at;
    return NULL;
}

struct err *spool_read(const struct spool *s, uint64_t offset, uint8_t *to, size_t len)
{
    while (len > 0) {
        ssize_t got = pread(s->fd, to, len, (off_t)offset);
        if (got < 0 && errno == EINTR) {
            TRY(stop_check());
            continue;
        }
        if (got < 0)
            return err_sys("read kept file contents");
        if (got == 0)
            return err_new(ERR_INTERNAL, "kept file contents end %zu bytes too early", len);
        to += got;
        offset += (uint64_t)got;
        len -= (size_t)got;
    }
    return NULL;
}

/* Many may be open at once, so they share the spool's descriptor. */
struct spool_source {
    struct source source;
    const struct spool *spool;
    uint64_t start, size;
    uint64_t next; /* what is read next, from `start` */
    uint8_t *piece;
    size_t from, to;
};

static struct err *spool_peek(struct source *source, const uint8_t **data, size_t *len)
{
    struct spool_source *s = (struct spool_source *)source;
    uint64_t left = s->size - s->next;
    size_t most = left < PIECE ? (size_t)left : PIECE;

    if (!s->piece)
        s->piece = mem_alloc(s->size < PIECE ? (size_t)s->size : PIECE);
    if (s->from == s->to && left > 0) {
        TRY(spool_read(s->spool, s->start + s->next, s->piece, most));
        s->next += most;
        s->from = 0;
        s->to = most;
    }
    *data = s->piece + s->from;
    *len = s->to - s->from;
    return NULL;
}

static void spool_advance(struct source *source, size_t len)
{
    struct spool_source *s = (struct spool_source *)source;

    assert(len <= s->to - s->from);
    s->from += len;
}

static struct err *spool_reopen(struct source *source, uint64_t offset)
{
    struct spool_source *s = (struct spool_source *)source;

    if (offset > s->size)
        return err_new(ERR_INTERNAL, "read again from byte %" PRIu64 " of %" PRIu64, offset, s->size);
    s->next = offset;
    s->from = s->to = 0;
    return NULL;
}

static void spool_source_free(struct source *source)
{
    struct spool_source *s = (struct spool_source *)source;

    mem_free(s->piece);
    mem_free(s);
}

static const struct source_ops spool_source_ops = {
    .peek = spool_peek,
    .advance = spool_advance,
    .reopen = spool_reopen,
    .free = spool_source_free,
};

struct source *spool_open(const struct spool *s, uint64_t offset, uint64_t size)
{
    struct spool_source *source = mem_zero(1, sizeof *source);

    source->source.ops = &spool_source_ops;
    source->spool = s;
    source->start = offset;
    source->size = size;
    return &source->source;
}
