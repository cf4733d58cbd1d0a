/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/ahead.h"

#include "base/lock.h"
#include "base/mem.h"
#include "base/pool.h"

#include <assert.h>
#include <string.h>

#define PIECES 4
#define THREADS 2 /* with one, a pool works in the thread of its caller */
#define PIECE ((size_t)256 * 1024)
/* Nobody waits longer than until the other side wakes it. */
#define WAIT_MS 1000

struct piece {
    uint8_t *data;
    size_t len;
};

struct ahead {
    struct source source;
    struct source *inner;
    struct pool *pool; /* NULL: one processor */
    struct lock *lock;
    /* Under the lock. Pieces are numbered from 0; number n stands at n % PIECES. */
    struct piece piece[PIECES];
    uint64_t filled, used;
    bool ended, stopping;
    unsigned arrived;
    struct err *failed;

    size_t at; /* in the piece `used`; the reader's alone */
};

static struct piece *free_piece(struct ahead *a)
{
    AUTO(lock_release) struct lock *held = lock_hold(a->lock);

    while (a->filled - a->used == PIECES && !a->stopping)
        lock_wait(held, WAIT_MS);
    return a->stopping ? NULL : &a->piece[a->filled % PIECES];
}

/* Fill a piece, as far as the source goes. */
static struct err *fill(struct ahead *a, struct piece *p, bool *ended)
{
    p->len = 0;
    while (p->len < PIECE) {
        const uint8_t *data;
        size_t len;
        TRY(source_peek(a->inner, &data, &len));
        if (len == 0) {
            *ended = true;
            return NULL;
        }
        if (len > PIECE - p->len)
            len = PIECE - p->len;
        memcpy(p->data + p->len, data, len);
        source_advance(a->inner, len);
        p->len += len;
    }
    return NULL;
}

static void publish(struct ahead *a, const struct piece *p, bool ended, struct err *e)
{
    AUTO(lock_release) struct lock *held = lock_hold(a->lock);

    if (p->len > 0)
        a->filled++;
    a->failed = e;
    a->ended = ended || e;
    lock_wake(held);
}

static struct err *run(void *arg)
{
    struct ahead *a = arg;
    bool ended = false;

    while (!ended) {
        struct piece *p = free_piece(a);
        if (!p)
            break;
        struct err *e = fill(a, p, &ended);
        ended = ended || e;
        publish(a, p, ended, e);
    }
    return NULL;
}

/* Both threads are there when both are in here. */
static struct err *arrive(void *arg)
{
    struct ahead *a = arg;
    AUTO(lock_release) struct lock *held = lock_hold(a->lock);

    a->arrived++;
    lock_wake(held);
    while (a->arrived < THREADS)
        lock_wait(held, WAIT_MS);
    return NULL;
}

/* What a thread does when it begins may be more than a confined process may do. */
static void start_threads(struct ahead *a)
{
    a->pool = pool_new(THREADS);
    for (unsigned i = 0; i < THREADS; i++)
        pool_submit(a->pool, arrive, a);
    err_free(pool_wait(a->pool));
}

struct ahead *ahead_new(void)
{
    struct ahead *a = mem_zero(1, sizeof *a);

    if (pool_cpus() < 2)
        return a;
    a->lock = lock_new();
    for (size_t i = 0; i < PIECES; i++)
        a->piece[i].data = mem_alloc(PIECE);
    start_threads(a);
    return a;
}

static struct err *ahead_peek(struct source *s, const uint8_t **data, size_t *len)
{
    struct ahead *a = (struct ahead *)s;
    AUTO(lock_release) struct lock *held = lock_hold(a->lock);

    while (a->filled == a->used && !a->ended)
        lock_wait(held, WAIT_MS);
    *len = 0;
    if (a->filled == a->used)
        return TAKE(a->failed);
    *data = a->piece[a->used % PIECES].data + a->at;
    *len = a->piece[a->used % PIECES].len - a->at;
    return NULL;
}

static void ahead_advance(struct source *s, size_t len)
{
    struct ahead *a = (struct ahead *)s;
    AUTO(lock_release) struct lock *held = lock_hold(a->lock);

    if (len == 0)
        return;
    a->at += len;
    assert(a->filled > a->used && a->at <= a->piece[a->used % PIECES].len);
    if (a->at == a->piece[a->used % PIECES].len) {
        a->at = 0;
        a->used++;
        lock_wake(held);
    }
}

static void source_is_gone(struct source *s)
{
    (void)s; /* goes with the rest */
}

static const struct source_ops ahead_ops = {
    .peek = ahead_peek, .advance = ahead_advance, .free = source_is_gone};

struct source *ahead_source(struct ahead *a, struct source *inner)
{
    if (!a->pool)
        return inner;
    assert(!a->inner);
    a->source.ops = &ahead_ops;
    a->inner = inner;
    pool_submit(a->pool, run, a);
    return &a->source;
}

static void stop(struct ahead *a)
{
    AUTO(lock_release) struct lock *held = lock_hold(a->lock);

    a->stopping = true;
    lock_wake(held);
}

void ahead_free(struct ahead *a)
{
    if (!a)
        return;
    if (a->pool)
        stop(a);
    pool_free(a->pool);
    lock_free(a->lock);
    source_free(a->inner);
    err_free(a->failed);
    for (size_t i = 0; i < PIECES; i++)
        mem_free(a->piece[i].data);
    mem_free(a);
}
