/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BASE_POOL_H
#define LADE_BASE_POOL_H

#include "base/attr.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Work in parallel, the same result whatever the number of threads. With one thread every task runs inside
 * pool_submit. The error that is reported is that of the first failed task in the order of submission; after
 * a failure, tasks that have not begun are not run.
 */

struct pool;
/* `threads` 0: the number of processors this process may use. */
struct pool *pool_new(unsigned threads);
unsigned pool_threads(const struct pool *p);
/* Run task(arg) some time before pool_wait returns. Blocks while more than 4 tasks for each thread wait. A
 * task must not call pool_submit or pool_wait on its own pool. */
void pool_submit(struct pool *p, struct err *(*task)(void *arg), void *arg);
/* Wait for all; the first error in submission order. The pool can be used again after. */
MUST_USE struct err *pool_wait(struct pool *p);
void pool_free(struct pool *p); /* waits; errors are dropped */
AUTO_DEFINE(struct pool *, pool_free)

/* Run task(ctx, i) for i in 0 … count-1 on at most `threads` threads. */
MUST_USE struct err *pool_each(unsigned threads, size_t count, struct err *(*task)(void *ctx, size_t i),
                               void *ctx);

unsigned pool_cpus(void); /* processors this process may run on, at least 1 */

#endif
