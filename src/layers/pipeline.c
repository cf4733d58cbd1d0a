/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/pipeline.h"

#include "base/lock.h"
#include "base/mem.h"
#include "base/pool.h"
#include "base/stop.h"
#include "layers/chunk.h"
#include "layers/compress.h"
#include "layers/content.h"
#include "layers/gzip.h"
#include "layers/tarheader.h"
#include "layers/tarwalk.h"

#include <assert.h>
#include <string.h>

/* Chunks in flight: one for each worker, as many waiting for a worker or for their turn, and some to spare.
 */
#define SLOTS_MIN 4
#define SLOTS_MAX 64
#define WAIT_MS 1000

/* Content that goes into a chunk. */
struct piece {
    const struct node *node;
    uint64_t offset; /* in the content */
    uint32_t at, len;
};

struct slot {
    struct pipeline *pipeline;
    uint8_t *plain;
    size_t len;
    struct piece *piece;
    size_t count, room;
    uint8_t *packed;
    size_t packed_len;
    uint32_t crc;
    struct err *error;
    bool busy;  /* planned and not yet written */
    bool ready; /* waits for its turn */
};

/* What a chunk is worked on with. */
struct worker {
    struct worker *next;
    struct content_reader *reader;
    struct compress *compress; /* NULL: no compression */
};

struct pipeline {
    struct pipeline_options options;
    struct sink *to;
    struct hash *diff;
    struct gzip gzip;
    struct pool *pool;
    struct slot *slot;
    size_t slots;
    struct slot *open; /* the chunk that is planned, or NULL */
    uint64_t planned;  /* chunks that were begun */

    struct lock *lock;
    struct worker *idle;
    uint64_t written; /* chunks that have had their turn */
    bool turning;     /* a worker is at it */
    struct err *error;
    bool failed;
};

static void worker_free(struct worker *w)
{
    content_reader_free(w->reader);
    compress_free(w->compress);
    mem_free(w);
}

static struct err *worker_new(struct worker **out, const struct pipeline_options *o)
{
    struct worker *w = mem_zero(1, sizeof *w);
    struct err *e =
        o->compression == COMPRESSION_NONE ? NULL : compress_new(&w->compress, o->compression, o->level);

    if (e) {
        worker_free(w);
        return e;
    }
    w->reader = content_reader_new();
    *out = w;
    return NULL;
}

struct err *pipeline_new(struct pipeline **out, struct sink *to, const struct pipeline_options *options)
{
    unsigned workers = options->workers ? options->workers : pool_cpus();
    struct worker *first = NULL;

    TRY(worker_new(&first, options));
    struct pipeline *p = mem_zero(1, sizeof *p);
    p->options = *options;
    p->options.workers = workers;
    p->to = to;
    p->diff = hash_new(DIGEST_SHA256);
    p->slots = workers == 1 ? 1 : (size_t)workers * 2 + SLOTS_MIN;
    if (p->slots > SLOTS_MAX)
        p->slots = SLOTS_MAX;
    p->slot = mem_zero(p->slots, sizeof *p->slot);
    p->lock = lock_new();
    p->idle = first;
    *out = p;
    return NULL;
}

void pipeline_free(struct pipeline *p)
{
    if (!p)
        return;
    pool_free(p->pool);
    for (size_t i = 0; i < p->slots; i++) {
        mem_free(p->slot[i].plain);
        mem_free(p->slot[i].piece);
        mem_free(p->slot[i].packed);
        err_free(p->slot[i].error);
    }
    mem_free(p->slot);
    while (p->idle) {
        struct worker *w = p->idle;
        p->idle = w->next;
        worker_free(w);
    }
    hash_free(p->diff);
    lock_free(p->lock);
    err_free(p->error);
    mem_free(p);
}

/* What a worker does. */

static struct err *take_worker(struct pipeline *p, struct worker **out)
{
    {
        AUTO(lock_release) struct lock *held = lock_hold(p->lock);
        *out = p->idle;
        if (p->idle) {
            p->idle = p->idle->next;
            return NULL;
        }
    }
    return worker_new(out, &p->options);
}

static struct err *pack(struct slot *s, struct worker *w)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct piece *piece = &s->piece[i];
        TRY(stop_check());
        TRY(content_read(w->reader, piece->node, piece->offset, s->plain + piece->at, piece->len));
    }
    if (!w->compress)
        return NULL;
    if (!s->packed)
        s->packed = mem_alloc(compress_bound(w->compress));
    TRY(compress_chunk(w->compress, s->plain, s->len, s->packed, &s->packed_len));
    if (s->pipeline->options.compression == COMPRESSION_GZIP)
        s->crc = gzip_crc(s->plain, s->len);
    return stop_check();
}

static struct err *write_slot(struct pipeline *p, const struct slot *s)
{
    uint8_t frame[GZIP_FRAME_MAX];

    hash_add(p->diff, s->plain, s->len);
    if (p->options.compression == COMPRESSION_NONE)
        return sink_write(p->to, s->plain, s->len);
    if (p->options.compression == COMPRESSION_GZIP) {
        size_t len = gzip_before_chunk(&p->gzip, frame);
        if (len > 0)
            TRY(sink_write(p->to, frame, len));
        gzip_add_chunk(&p->gzip, s->crc, s->len);
    }
    return sink_write(p->to, s->packed, s->packed_len);
}

/* Write the chunks whose turn it is, unless another worker is at it. */
static void take_turns(struct pipeline *p, struct slot *s, struct worker *done)
{
    AUTO(lock_release) struct lock *held = lock_hold(p->lock);

    if (done) {
        done->next = p->idle;
        p->idle = done;
    }
    s->ready = true;
    if (p->turning)
        return;
    p->turning = true;
    for (struct slot *next = &p->slot[p->written % p->slots]; next->ready;
         next = &p->slot[p->written % p->slots]) {
        bool failed = p->failed;
        lock_release(p->lock);
        struct err *e = TAKE(next->error);
        if (!e && !failed)
            e = write_slot(p, next);
        lock_hold(p->lock);
        if (failed) {
            err_free(e);
        } else if (e) {
            p->error = e;
            p->failed = true;
        }
        next->ready = next->busy = false;
        p->written++;
        lock_wake(p->lock);
    }
    p->turning = false;
}

static bool has_failed(struct pipeline *p)
{
    AUTO(lock_release) struct lock *held = lock_hold(p->lock);
    return p->failed;
}

static struct err *work(void *arg)
{
    struct slot *s = arg;
    struct pipeline *p = s->pipeline;
    struct worker *w = NULL;

    if (!has_failed(p)) {
        s->error = take_worker(p, &w);
        if (!s->error)
            s->error = pack(s, w);
    }
    take_turns(p, s, w);
    return NULL;
}

/* What the caller's thread does. */

/* The error itself is given out by pipeline_end. */
static struct err *stopped(void)
{
    return err_new(ERR_INTERNAL, "an earlier part of the layer could not be written");
}

static struct err *begin_chunk(struct pipeline *p)
{
    struct slot *s = &p->slot[p->planned % p->slots];
    AUTO(lock_release) struct lock *held = lock_hold(p->lock);

    while (s->busy && !p->failed)
        lock_wait(held, WAIT_MS);
    if (p->failed)
        return stopped();
    s->pipeline = p;
    s->busy = true;
    s->len = 0;
    s->count = 0;
    if (!s->plain)
        s->plain = mem_alloc(CHUNK_MAX);
    p->planned++;
    p->open = s;
    return NULL;
}

static void end_chunk(struct pipeline *p, bool last)
{
    struct slot *s = p->open;

    if (!s)
        return;
    p->open = NULL;
    /* A layer of one chunk needs no threads. */
    if (!p->pool && last) {
        (void)work(s);
        return;
    }
    if (!p->pool)
        p->pool = pool_new(p->options.workers);
    pool_submit(p->pool, work, s);
}

/* Bytes that stand in the chunk, which has room for them. */
static void put_bytes(struct slot *s, const void *data, size_t len)
{
    memcpy(s->plain + s->len, data, len);
    s->len += len;
}

/* Content, and zeros behind it up to a full block at its end. */
static void put_content(struct slot *s, const struct node *n, uint64_t offset, size_t len)
{
    size_t padding = offset + len == n->size ? (TAR_BLOCK - len % TAR_BLOCK) % TAR_BLOCK : 0;

    MEM_PUSH(s->piece, s->count, s->room,
             (struct piece){.node = n, .offset = offset, .at = (uint32_t)s->len, .len = (uint32_t)len});
    s->len += len;
    memset(s->plain + s->len, 0, padding);
    s->len += padding;
}

/* Make room for a unit of the rule chunk/1 (chunk.h). */
static struct err *begin_unit(struct pipeline *p, uint64_t len, const char *name)
{
    if (p->open && chunk_ends_before(p->open->len, len, name))
        end_chunk(p, false);
    return p->open ? NULL : begin_chunk(p);
}

static struct err *put_headers(struct pipeline *p, const char *name, const struct buf *headers)
{
    for (size_t done = 0; done < headers->len;) {
        size_t part = headers->len - done < CHUNK_MAX ? headers->len - done : CHUNK_MAX;
        TRY(begin_unit(p, part, name));
        put_bytes(p->open, headers->data + done, part);
        done += part;
    }
    return NULL;
}

static struct err *put_slices(struct pipeline *p, const struct node *n)
{
    for (uint64_t done = 0; done < n->size;) {
        size_t part = n->size - done < CHUNK_MAX ? (size_t)(n->size - done) : CHUNK_MAX;
        end_chunk(p, false);
        TRY(begin_chunk(p));
        put_content(p->open, n, done, part);
        done += part;
    }
    end_chunk(p, false);
    return NULL;
}

struct err *pipeline_entry(struct pipeline *p, const char *name, const struct buf *headers,
                           const struct node *content)
{
    uint64_t size = content ? content->size : 0;
    uint64_t padded = size <= CHUNK_MAX ? (size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK : size;

    TRY(stop_check());
    if (!chunk_holds_entry(headers->len, padded)) {
        TRY(put_headers(p, name, headers));
        return content ? put_slices(p, content) : NULL;
    }
    TRY(begin_unit(p, headers->len + padded, name));
    put_bytes(p->open, headers->data, headers->len);
    if (content)
        put_content(p->open, content, 0, (size_t)size);
    return NULL;
}

static struct err *put_end(struct pipeline *p)
{
    static const uint8_t zeros[TARWALK_END];

    TRY(begin_unit(p, sizeof zeros, ""));
    put_bytes(p->open, zeros, sizeof zeros);
    end_chunk(p, true);
    return NULL;
}

struct err *pipeline_end(struct pipeline *p, struct err *walk, struct digest *diff_id)
{
    uint8_t frame[GZIP_FRAME_MAX];
    struct err *e = walk ? walk : put_end(p);

    if (p->pool) {
        struct err *none = pool_wait(p->pool);
        assert(!none);
        err_free(none);
    }
    if (p->error) {
        err_free(e);
        return TAKE(p->error);
    }
    TRY(e);
    *diff_id = hash_value(p->diff);
    if (p->options.compression != COMPRESSION_GZIP)
        return NULL;
    size_t len = gzip_end(&p->gzip, frame);
    return sink_write(p->to, frame, len);
}
