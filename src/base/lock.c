/* SPDX-License-Identifier: Apache-2.0 */
#include "base/lock.h"
#include "base/mem.h"

#include <assert.h>
#include <pthread.h>
#include <stdint.h>
#include <time.h>

#define NS_PER_S INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)

struct lock {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
};

struct lock *lock_new(void)
{
    struct lock *l = mem_zero(1, sizeof *l);
    pthread_condattr_t by_uptime;
    if (pthread_condattr_init(&by_uptime) != 0 ||
        pthread_condattr_setclock(&by_uptime, CLOCK_MONOTONIC) != 0 ||
        pthread_mutex_init(&l->mutex, NULL) != 0 || pthread_cond_init(&l->changed, &by_uptime) != 0)
        mem_exhausted();
    pthread_condattr_destroy(&by_uptime);
    return l;
}

struct lock *lock_hold(struct lock *l)
{
    int failed = pthread_mutex_lock(&l->mutex);
    assert(!failed);
    (void)failed;
    return l;
}

void lock_release(struct lock *l)
{
    pthread_mutex_unlock(&l->mutex);
}

void lock_wait(struct lock *held, unsigned ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + (int64_t)ms * NS_PER_MS;
    until.tv_sec += (time_t)(ns / NS_PER_S);
    until.tv_nsec = (long)(ns % NS_PER_S);
    pthread_cond_timedwait(&held->changed, &held->mutex, &until);
}

void lock_wake(struct lock *l)
{
    pthread_cond_broadcast(&l->changed);
}

void lock_free(struct lock *l)
{
    if (!l)
        return;
    pthread_cond_destroy(&l->changed);
    pthread_mutex_destroy(&l->mutex);
    mem_free(l);
}
