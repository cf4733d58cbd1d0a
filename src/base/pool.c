/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pool.h"

#include "base/mem.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>

#define THREADS_MAX 256
#define WAITING_FOR_EACH 4
#define STACK_BYTES (2 * 1024 * 1024)

struct work {
    struct err *(*task)(void *arg);
    void *arg;
    uint64_t number; /* order of submission */
};

struct pool {
    unsigned threads; /* 1: everything runs in pool_submit, and nothing below `first` is used */
    uint64_t submitted;
    struct err *first; /* the error of the task with the lowest number … */
    uint64_t first_number;

    pthread_mutex_t lock;
    pthread_cond_t arrived, room, idle;
    pthread_t *thread;
    struct work *ring;
    size_t ring_size, head, waiting;
    size_t running;
    bool closing;
};

/*
 * Tasks begin in the order of submission. So when one has failed, all that were submitted before it have
 * begun, will end, and have their say: the error that is kept is the one that a single thread would have met.
 */
static void keep_error(struct pool *p, struct err *e, uint64_t number)
{
    if (e && (!p->first || number < p->first_number)) {
        err_free(p->first);
        p->first = e;
        p->first_number = number;
    } else {
        err_free(e);
    }
}

static void *worker(void *arg)
{
    struct pool *p = arg;

    pthread_mutex_lock(&p->lock);
    for (;;) {
        while (p->waiting == 0 && !p->closing)
            pthread_cond_wait(&p->arrived, &p->lock);
        if (p->waiting == 0)
            break;
        struct work w = p->ring[p->head];
        p->head = (p->head + 1) % p->ring_size;
        p->waiting--;
        pthread_cond_signal(&p->room);
        if (!p->first) {
            p->running++;
            pthread_mutex_unlock(&p->lock);
            struct err *e = w.task(w.arg);
            pthread_mutex_lock(&p->lock);
            p->running--;
            keep_error(p, e, w.number);
        }
        if (p->waiting == 0 && p->running == 0)
            pthread_cond_broadcast(&p->idle);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* How many could be started; a limit on processes may leave fewer than asked for. */
static unsigned start_threads(struct pool *p, unsigned count)
{
    static const int own_fault[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    unsigned started = 0;
    sigset_t block, before;
    pthread_attr_t attr;

    /* Signals go to the main thread, whose system calls they interrupt. */
    sigfillset(&block);
    for (size_t i = 0; i < ARRAY_LEN(own_fault); i++)
        sigdelset(&block, own_fault[i]);
    pthread_sigmask(SIG_SETMASK, &block, &before);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    while (started < count && pthread_create(&p->thread[started], &attr, worker, p) == 0)
        started++;
    pthread_attr_destroy(&attr);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

struct pool *pool_new(unsigned threads)
{
    struct pool *p = mem_zero(1, sizeof *p);

    if (threads == 0)
        threads = pool_cpus();
    if (threads > THREADS_MAX)
        threads = THREADS_MAX;
    if (threads > 1) {
        pthread_mutex_init(&p->lock, NULL);
        pthread_cond_init(&p->arrived, NULL);
        pthread_cond_init(&p->room, NULL);
        pthread_cond_init(&p->idle, NULL);
        p->ring_size = (size_t)threads * WAITING_FOR_EACH;
        p->ring = mem_zero(p->ring_size, sizeof *p->ring);
        p->thread = mem_zero(threads, sizeof *p->thread);
        threads = start_threads(p, threads);
    }
    p->threads = threads;
    return p;
}

unsigned pool_threads(const struct pool *p)
{
    return p->threads ? p->threads : 1;
}

/* A single thread that could be started is as good as none, but it has to be used. */
static bool is_serial(const struct pool *p)
{
    return !p->ring || p->threads == 0;
}

void pool_submit(struct pool *p, struct err *(*task)(void *arg), void *arg)
{
    uint64_t number = p->submitted++;

    if (is_serial(p)) {
        if (!p->first)
            keep_error(p, task(arg), number);
        return;
    }
    pthread_mutex_lock(&p->lock);
    while (p->waiting == p->ring_size)
        pthread_cond_wait(&p->room, &p->lock);
    p->ring[(p->head + p->waiting) % p->ring_size] = (struct work){task, arg, number};
    p->waiting++;
    pthread_cond_signal(&p->arrived);
    pthread_mutex_unlock(&p->lock);
}

struct err *pool_wait(struct pool *p)
{
    struct err *e;

    if (is_serial(p))
        return TAKE(p->first);
    pthread_mutex_lock(&p->lock);
    while (p->waiting > 0 || p->running > 0)
        pthread_cond_wait(&p->idle, &p->lock);
    e = TAKE(p->first);
    pthread_mutex_unlock(&p->lock);
    return e;
}

void pool_free(struct pool *p)
{
    if (!p)
        return;
    err_free(pool_wait(p));
    if (p->ring) {
        pthread_mutex_lock(&p->lock);
        p->closing = true;
        pthread_cond_broadcast(&p->arrived);
        pthread_mutex_unlock(&p->lock);
        for (unsigned i = 0; i < p->threads; i++)
            pthread_join(p->thread[i], NULL);
        pthread_cond_destroy(&p->idle);
        pthread_cond_destroy(&p->room);
        pthread_cond_destroy(&p->arrived);
        pthread_mutex_destroy(&p->lock);
    }
    free(p->thread);
    free(p->ring);
    free(p);
}

struct each {
    struct err *(*task)(void *ctx, size_t i);
    void *ctx;
    size_t i;
};

static struct err *run_each(void *arg)
{
    struct each *e = arg;
    return e->task(e->ctx, e->i);
}

struct err *pool_each(unsigned threads, size_t count, struct err *(*task)(void *ctx, size_t i), void *ctx)
{
    AUTO(mem_free) struct each *item = NULL;
    AUTO(pool_free) struct pool *p = NULL;

    if (threads == 0)
        threads = pool_cpus();
    if (threads > count)
        threads = (unsigned)count;
    if (threads <= 1) {
        for (size_t i = 0; i < count; i++)
            TRY(task(ctx, i));
        return NULL;
    }
    item = mem_zero(count, sizeof *item);
    p = pool_new(threads);
    for (size_t i = 0; i < count; i++) {
        item[i] = (struct each){task, ctx, i};
        pool_submit(p, run_each, &item[i]);
    }
    return pool_wait(p);
}

unsigned pool_cpus(void)
{
    /* The kernel wants a set with room for all that the machine could have. */
    for (size_t room = 1024; room <= 1 << 20; room *= 2) {
        size_t size = CPU_ALLOC_SIZE(room);
        cpu_set_t *set = CPU_ALLOC(room);
        int count = set && sched_getaffinity(0, size, set) == 0 ? CPU_COUNT_S(size, set) : 0;
        CPU_FREE(set);
        if (count > 0)
            return (unsigned)count;
    }
    return 1;
}
