/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/schedule.h"

#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/pool.h"
#include "base/stop.h"
#include "builder/stage_run.h"

#include <inttypes.h>
#include <unistd.h>

/* Threads mostly wait for commands, so they are more than processors. */
#define THREADS_MAX 16
#define WAKE_MS 500

static struct err *cancelled(void)
{
    return err_new(ERR_STOPPED, "stopped, because another step failed");
}

/* Will the build begin again, without what it came upon? What else is going on in the process is not in vain
 * then. */
static bool is_again(const struct builder *b)
{
    return atomic_load(&b->ghost_needed) || atomic_load(&b->import_broken);
}

/* What waits on the descriptor or the lock comes back, and what works, as on reading or fetching files. */
static void cancel(struct builder *b)
{
    uint64_t one = 1;
    if (b->cancelled)
        return;
    b->cancelled = true;
    if (b->timed_out || (b->working > 1 && !is_again(b)))
        stop_cancel();
    if (b->cancel_fd >= 0 && write(b->cancel_fd, &one, sizeof one) < 0)
        log_debug("schedule: commands are not told to stop");
    lock_wake(b->lock);
}

static void check_time(struct builder *b)
{
    if (!b->deadline_ms || b->cancelled || clock_ms() < b->deadline_ms)
        return;
    b->timed_out = true;
    cancel(b);
}

struct err *schedule_check(struct builder *b)
{
    TRY(stop_check());
    check_time(b);
    return b->cancelled ? cancelled() : NULL;
}

static void build(struct builder *b, struct stage *s)
{
    s->state = STAGE_BUILDING;
    s->error = stage_run(b, s);
    s->state = s->error ? STAGE_FAILED : STAGE_DONE;
    if (s->error)
        cancel(b);
    lock_wake(b->lock);
}

struct err *schedule_need(struct builder *b, struct stage *s)
{
    while (s->state == STAGE_BUILDING) {
        TRY(schedule_check(b));
        lock_wait(b->lock, WAKE_MS);
    }
    if (s->state == STAGE_WAITING)
        build(b, s);
    return s->state == STAGE_DONE ? NULL : cancelled();
}

static struct stage *next_stage(struct builder *b)
{
    for (size_t i = 0; i < b->plan.count && !b->cancelled; i++)
        if (b->plan.stage[i].needed && b->stage[i].state == STAGE_WAITING)
            return &b->stage[i];
    return NULL;
}

static struct err *work(void *arg)
{
    struct builder *b = arg;
    AUTO(lock_release) struct lock *held = lock_hold(b->lock);
    for (struct stage *s = next_stage(b); s; s = next_stage(b))
        build(b, s);
    b->working--;
    lock_wake(held);
    return NULL;
}

/* Until all have ended; and see to it that they do when the time is over. */
static void watch(struct builder *b)
{
    AUTO(lock_release) struct lock *held = lock_hold(b->lock);
    while (b->working > 0) {
        check_time(b);
        uint64_t now = clock_ms();
        bool soon = b->deadline_ms > now && b->deadline_ms - now < WAKE_MS;
        lock_wait(held, soon ? (unsigned)(b->deadline_ms - now) : WAKE_MS);
    }
}

/* What is said of the build: an error of a stage's own comes before those that only followed. */
static struct err *outcome(struct builder *b)
{
    struct stage *first = NULL;
    bool first_own = false;
    for (size_t i = 0; i < b->plan.count; i++) {
        struct stage *s = &b->stage[i];
        bool own = s->error && (err_kind_of(s->error) == ERR_STOPPED) == (stop_signal() != 0);
        if (!s->error || (first && (first_own || !own)))
            continue;
        first = s;
        first_own = own;
    }
    if (b->timed_out && !first_own && b->stage[b->plan.target->number].state != STAGE_DONE) {
        uint64_t ms = b->options->run.build_timeout_ms;
        return err_hint(err_new(ERR_RESOURCE, "the build took longer than %" PRIu64 ".%03" PRIu64 " seconds",
                                ms / 1000, ms % 1000),
                        "--timeout says how long it may take");
    }
    return first ? TAKE(first->error) : NULL;
}

struct err *schedule_run(struct builder *b)
{
    unsigned threads = 0;
    for (size_t i = 0; i < b->plan.count; i++)
        threads += b->plan.stage[i].needed && threads < THREADS_MAX;
    b->working = threads;
    if (b->options->run.build_timeout_ms)
        b->deadline_ms = clock_ms() + b->options->run.build_timeout_ms;
    if (threads == 1 && !b->deadline_ms) {
        TRY(work(b));
        return outcome(b);
    }
    /* This thread only watches. */
    AUTO(pool_free) struct pool *pool = pool_new(threads > 1 ? threads : 2);
    for (unsigned i = 0; i < threads; i++)
        pool_submit(pool, work, b);
    watch(b);
    struct err *e = pool_wait(pool);
    stop_cancel_end();
    TRY(e);
    return outcome(b);
}
