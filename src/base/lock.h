/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BASE_LOCK_H
#define LADE_BASE_LOCK_H

#include "base/attr.h"

#include <stdbool.h>

/*
 * One mutex with one condition, for state that several threads share. Held by scope:
 *
 *     AUTO(lock_release) struct lock *held = lock_hold(shared->lock);
 *     while (!shared->ready)
 *         lock_wait(held, 500);
 *
 * lock_wait gives the lock up while it waits, and comes back with it after lock_wake, after `ms`
 * milliseconds, or for no reason: look at the state again. Not recursive.
 */
struct lock;
struct lock *lock_new(void);
struct lock *lock_hold(struct lock *l); /* returns l */
void lock_release(struct lock *l);
void lock_wait(struct lock *held, unsigned ms);
void lock_wake(struct lock *l); /* all that wait */
void lock_free(struct lock *l);
AUTO_DEFINE(struct lock *, lock_release)

#endif
