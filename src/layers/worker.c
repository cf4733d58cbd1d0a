/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/worker.h"

#include "base/lock.h"
#include "base/mem.h"

struct workers {
    enum mediatype_compression how;
    int level;
    struct lock *lock; /* of `idle` */
    struct worker *idle;
};

static struct err *worker_new(struct worker **out, const struct workers *all)
{
    AUTO(compress_free) struct compress *c = NULL;

    if (all->how != COMPRESSION_NONE)
        TRY(compress_new(&c, all->how, all->level));
    struct worker *w = mem_zero(1, sizeof *w);
    w->compress = TAKE(c);
    w->reader = content_reader_new();
    *out = w;
    return NULL;
}

struct err *workers_new(struct workers **out, enum mediatype_compression how, int level)
{
    AUTO(workers_free) struct workers *w = mem_zero(1, sizeof *w);

    w->how = how;
    w->level = level;
    w->lock = lock_new();
    TRY(worker_new(&w->idle, w));
    *out = TAKE(w);
    return NULL;
}

struct err *workers_take(struct workers *w, struct worker **out)
{
    {
        AUTO(lock_release) struct lock *held = lock_hold(w->lock);
        *out = w->idle;
        if (w->idle) {
            w->idle = w->idle->next;
            return NULL;
        }
    }
    return worker_new(out, w);
}

void workers_give_back(struct workers *w, struct worker *worker)
{
    AUTO(lock_release) struct lock *held = lock_hold(w->lock);

    worker->next = w->idle;
    w->idle = worker;
}

void workers_free(struct workers *w)
{
    if (!w)
        return;
    while (w->idle) {
        struct worker *next = w->idle->next;
        content_reader_free(w->idle->reader);
        compress_free(w->idle->compress);
        mem_free(w->idle);
        w->idle = next;
    }
    lock_free(w->lock);
    mem_free(w);
}
