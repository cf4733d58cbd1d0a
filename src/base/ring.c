/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ring.h"

#include "base/lock.h"
#include "base/mem.h"
#include "base/pool.h"

#include <assert.h>
#include <stdint.h>

#define WAIT_MS 1000

struct slot {
    struct ring *ring;
    struct err *error; /* of its work */
    bool busy;         /* submitted, and has not had its turn */
    bool ready;        /* waits for its turn */
};

struct ring {
    struct ring_ops ops;
    void *ctx;
    unsigned threads;
    struct pool *pool;
    struct slot *slot;
    size_t slots;
    uint64_t submitted;

    struct lock *lock;
    uint64_t turns; /* how many have had theirs */
    bool turning;   /* some thread is at it */
    bool failed;
    struct err *error;
};

struct ring *ring_new(unsigned threads, size_t slots, const struct ring_ops *ops, void *ctx)
{
    struct ring *r = mem_zero(1, sizeof *r);

    r->ops = *ops;
    r->ctx = ctx;
    r->threads = threads;
    r->slots = slots;
    r->slot = mem_zero(slots, sizeof *r->slot);
    for (size_t i = 0; i < slots; i++)
        r->slot[i].ring = r;
    r->lock = lock_new();
    return r;
}

bool ring_next(struct ring *r, size_t *slot)
{
    *slot = (size_t)(r->submitted % r->slots);
    AUTO(lock_release) struct lock *held = lock_hold(r->lock);
    while (r->slot[*slot].busy && !r->failed)
        lock_wait(held, WAIT_MS);
    return !r->failed;
}

static void keep(struct ring *r, struct err *e)
{
    if (e && !r->failed) {
        r->error = e;
        r->failed = true;
    } else {
        err_free(e);
    }
}

/* Give all slots their turn that can have it, unless another thread is at it: then that one will. */
static void take_turns(struct ring *r, struct slot *done)
{
    AUTO(lock_release) struct lock *held = lock_hold(r->lock);

    done->ready = true;
    if (r->turning)
        return;
    r->turning = true;
    for (;;) {
        size_t at = (size_t)(r->turns % r->slots);
        struct slot *s = &r->slot[at];
        if (!s->ready)
            break;
        struct err *e = TAKE(s->error);
        if (!e && !r->failed) {
            lock_release(r->lock);
            e = r->ops.turn(r->ctx, at);
            (void)lock_hold(r->lock);
        }
        keep(r, e);
        s->ready = s->busy = false;
        r->turns++;
        lock_wake(r->lock);
    }
    r->turning = false;
}

static bool has_failed(struct ring *r)
{
    AUTO(lock_release) struct lock *held = lock_hold(r->lock);
    return r->failed;
}

static struct err *run(void *arg)
{
    struct slot *s = arg;
    struct ring *r = s->ring;

    if (!has_failed(r))
        s->error = r->ops.work(r->ctx, (size_t)(s - r->slot));
    take_turns(r, s);
    return NULL;
}

void ring_submit(struct ring *r, bool last)
{
    struct slot *s = &r->slot[r->submitted++ % r->slots];

    assert(!s->busy);
    s->busy = true;
    if (!r->pool && (last || r->threads == 1)) {
        (void)run(s);
        return;
    }
    if (!r->pool)
        r->pool = pool_new(r->threads);
    pool_submit(r->pool, run, s);
}

struct err *ring_wait(struct ring *r)
{
    struct err *none = r->pool ? pool_wait(r->pool) : NULL;

    assert(!none);
    err_free(none);
    return TAKE(r->error);
}

void ring_free(struct ring *r)
{
    if (!r)
        return;
    err_free(ring_wait(r));
    pool_free(r->pool);
    for (size_t i = 0; i < r->slots; i++)
        err_free(r->slot[i].error);
    mem_free(r->slot);
    lock_free(r->lock);
    mem_free(r);
}
