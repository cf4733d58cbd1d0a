/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/mem.h"
#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#define TASKS 500

struct run {
    atomic_int ran[TASKS];
    atomic_int total;
    size_t fails[4]; /* numbers of tasks that fail; TASKS: none */
    bool slow_first; /* the first to fail ends last */
};

struct item {
    struct run *run;
    size_t i;
};

static struct err *task(void *ctx, size_t i)
{
    struct run *r = ctx;
    r->ran[i]++;
    r->total++;
    for (size_t k = 0; k < ARRAY_LEN(r->fails); k++) {
        if (r->fails[k] != i)
            continue;
        if (k == 0 && r->slow_first)
            usleep(20000);
        return err_new(ERR_INPUT, "task %zu failed", i);
    }
    if (i % 7 == 0)
        sched_yield();
    return NULL;
}

static struct err *item_task(void *arg)
{
    struct item *item = arg;
    return task(item->run, item->i);
}

static const unsigned thread_counts[] = {1, 2, 3, 8, 0, 1000};

static void reset(struct run *r, size_t a, size_t b, size_t c)
{
    *r = (struct run){.fails = {a, b, c, TASKS}};
}

static void runs_every_task_once(void **state)
{
    static struct run r;
    static struct item items[TASKS];
    (void)state;
    for (size_t t = 0; t < ARRAY_LEN(thread_counts); t++) {
        AUTO(pool_free) struct pool *p = pool_new(thread_counts[t]);
        assert_true(pool_threads(p) >= 1 && pool_threads(p) <= 256);
        for (int again = 0; again < 3; again++) {
            reset(&r, TASKS, TASKS, TASKS);
            for (size_t i = 0; i < TASKS; i++) {
                items[i] = (struct item){&r, i};
                pool_submit(p, item_task, &items[i]);
                if (thread_counts[t] == 1)
                    assert_int_equal(r.ran[i], 1);
            }
            check_ok(pool_wait(p));
            check_ok(pool_wait(p));
            for (size_t i = 0; i < TASKS; i++)
                assert_int_equal(r.ran[i], 1);
        }
    }
}

/* The error is the one that a single thread meets, and everything before it ran. */
static void the_first_error_wins(void **state)
{
    static struct run r;
    static struct item items[TASKS];
    static const size_t fails[][3] = {{0, 1, 2},       {5, 6, 7},     {100, 101, 400},
                                      {499, 499, 499}, {3, 250, 251}, {9, 10, 11}};
    (void)state;
    for (size_t f = 0; f < ARRAY_LEN(fails); f++) {
        char text[32];
        snprintf(text, sizeof text, "task %zu failed", fails[f][0]);
        for (size_t t = 0; t < ARRAY_LEN(thread_counts) * 2; t++) {
            AUTO(pool_free) struct pool *p = pool_new(thread_counts[t / 2]);
            reset(&r, fails[f][0], fails[f][1], fails[f][2]);
            r.slow_first = t % 2;
            for (size_t i = 0; i < TASKS; i++) {
                items[i] = (struct item){&r, i};
                pool_submit(p, item_task, &items[i]);
            }
            check_error(pool_wait(p), ERR_INPUT, text);
            for (size_t i = 0; i <= fails[f][0]; i++)
                assert_int_equal(r.ran[i], 1);
            if (thread_counts[t / 2] == 1)
                assert_int_equal(r.total, fails[f][0] + 1);
            /* It can be used again. */
            reset(&r, TASKS, TASKS, TASKS);
            for (size_t i = 0; i < 10; i++)
                pool_submit(p, item_task, &items[i]);
            check_ok(pool_wait(p));
            assert_int_equal(r.total, 10);

            reset(&r, fails[f][0], fails[f][1], fails[f][2]);
            r.slow_first = t % 2;
            check_error(pool_each(thread_counts[t / 2], TASKS, task, &r), ERR_INPUT, text);
            for (size_t i = 0; i <= fails[f][0]; i++)
                assert_int_equal(r.ran[i], 1);
        }
    }
}

static void each_runs_every_index(void **state)
{
    static struct run r;
    static const size_t counts[] = {0, 1, 2, 3, TASKS};
    (void)state;
    for (size_t t = 0; t < ARRAY_LEN(thread_counts); t++) {
        for (size_t c = 0; c < ARRAY_LEN(counts); c++) {
            reset(&r, TASKS, TASKS, TASKS);
            check_ok(pool_each(thread_counts[t], counts[c], task, &r));
            assert_int_equal(r.total, counts[c]);
            for (size_t i = 0; i < TASKS; i++)
                assert_int_equal(r.ran[i], i < counts[c]);
        }
    }
}

static struct err *tiny(void *ctx, size_t i)
{
    (void)i;
    atomic_fetch_add((atomic_size_t *)ctx, 1);
    return NULL;
}

static void many_tasks(void **state)
{
    atomic_size_t count = 0;
    (void)state;
    check_ok(pool_each(4, 100000, tiny, &count));
    assert_int_equal(count, 100000);
}

static struct err *wait_for_gate(void *arg)
{
    while (atomic_load((atomic_int *)arg) == 0)
        usleep(1000);
    return NULL;
}

struct submitter {
    struct pool *pool;
    atomic_int *gate;
    atomic_int submitted;
};

static void *submit_many(void *arg)
{
    struct submitter *s = arg;
    for (int i = 0; i < 30; i++) {
        pool_submit(s->pool, wait_for_gate, s->gate);
        s->submitted++;
    }
    return NULL;
}

/* What waits is bounded, whatever the number of tasks. */
static void submit_blocks_when_full(void **state)
{
    atomic_int gate = 0;
    pthread_t thread;
    (void)state;
    AUTO(pool_free) struct pool *p = pool_new(2);
    struct submitter s = {.pool = p, .gate = &gate};
    assert_int_equal(pthread_create(&thread, NULL, submit_many, &s), 0);
    while (s.submitted < 10)
        usleep(1000);
    usleep(20000);
    assert_int_equal(s.submitted, 10); /* two run, eight wait */
    gate = 1;
    pthread_join(thread, NULL);
    check_ok(pool_wait(p));
    assert_int_equal(s.submitted, 30);
}

static void free_waits_and_drops_errors(void **state)
{
    static struct run r;
    static struct item items[20];
    (void)state;
    reset(&r, 19, TASKS, TASKS);
    struct pool *p = pool_new(3);
    for (size_t i = 0; i < 20; i++) {
        items[i] = (struct item){&r, i};
        pool_submit(p, item_task, &items[i]);
    }
    pool_free(p);
    assert_int_equal(r.total, 20);
    pool_free(NULL);
}

static struct err *look_at_signals(void *ctx, size_t i)
{
    sigset_t mask;
    (void)i;
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    if (!sigismember(&mask, SIGINT) || !sigismember(&mask, SIGTERM) || !sigismember(&mask, SIGHUP))
        return err_new(ERR_INTERNAL, "signals reach a worker");
    if (sigismember(&mask, SIGSEGV))
        return err_new(ERR_INTERNAL, "a crash would go unseen");
    atomic_fetch_add((atomic_int *)ctx, 1);
    return NULL;
}

static void workers_get_no_signals(void **state)
{
    atomic_int count = 0;
    sigset_t mask;
    (void)state;
    check_ok(pool_each(3, 20, look_at_signals, &count));
    assert_int_equal(count, 20);
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    assert_false(sigismember(&mask, SIGINT));
}

static void counts_processors(void **state)
{
    cpu_set_t all, one;
    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    assert_int_equal(pool_cpus(), CPU_COUNT(&all));
    CPU_ZERO(&one);
    for (unsigned i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++)
        if (CPU_ISSET(i, &all))
            CPU_SET(i, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    assert_int_equal(pool_cpus(), 1);
    assert_int_equal(sched_setaffinity(0, sizeof all, &all), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_every_task_once),    cmocka_unit_test(the_first_error_wins),
        cmocka_unit_test(each_runs_every_index),   cmocka_unit_test(many_tasks),
        cmocka_unit_test(submit_blocks_when_full), cmocka_unit_test(free_waits_and_drops_errors),
        cmocka_unit_test(workers_get_no_signals),  cmocka_unit_test(counts_processors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
