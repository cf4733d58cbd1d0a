/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/pace.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/stop.h"

#include <stdbool.h>
#include <stdint.h>

#define LOOK_MS 200

struct pace {
    struct lock *lock;
    double interval_ms; /* between requests; 0: none */
    double next_ms;     /* when the next one may go */
    uint64_t pause_until_ms;
    unsigned most[2], inside[2]; /* by kind */
};

struct pace *pace_new(double rate, unsigned reads, unsigned writes)
{
    struct pace *p = mem_zero(1, sizeof *p);
    p->lock = lock_new();
    p->interval_ms = rate > 0 ? 1000 / rate : 0;
    p->most[PACE_READ] = reads;
    p->most[PACE_WRITE] = writes;
    return p;
}

void pace_free(struct pace *p)
{
    if (!p)
        return;
    lock_free(p->lock);
    mem_free(p);
}

void pace_pause(struct pace *p, unsigned ms)
{
    AUTO(lock_release) struct lock *held = lock_hold(p->lock);
    uint64_t until = clock_ms() + ms;
    if (until > p->pause_until_ms)
        p->pause_until_ms = until;
}

/* How long to sleep; 0: the turn has come, and is taken. */
static unsigned look(struct pace *p)
{
    AUTO(lock_release) struct lock *held = lock_hold(p->lock);
    uint64_t now = clock_ms();
    if (p->pause_until_ms > now)
        return (unsigned)(p->pause_until_ms - now);
    if (p->interval_ms <= 0)
        return 0;
    if (p->next_ms > (double)now)
        return (unsigned)(p->next_ms - (double)now) + 1;
    /* What was not used is not saved up. */
    double from = p->next_ms > (double)now - p->interval_ms ? p->next_ms : (double)now;
    p->next_ms = from + p->interval_ms;
    return 0;
}

struct err *pace_wait(struct pace *p)
{
    for (;;) {
        unsigned ms = look(p);
        if (ms == 0)
            return NULL;
        TRY(stop_sleep_ms(ms));
    }
}

struct err *pace_enter(struct pace *p, enum pace_kind kind)
{
    AUTO(lock_release) struct lock *held = lock_hold(p->lock);
    uint64_t patience = clock_ms() + PACE_PATIENCE_MS;
    while (p->inside[kind] >= p->most[kind] && clock_ms() < patience) {
        TRY(stop_check());
        lock_wait(held, LOOK_MS);
    }
    p->inside[kind]++;
    return NULL;
}

void pace_leave(struct pace *p, enum pace_kind kind)
{
    AUTO(lock_release) struct lock *held = lock_hold(p->lock);
    p->inside[kind]--;
    lock_wake(held);
}
