/* SPDX-License-Identifier: Apache-2.0 */
#include "base/lock.h"
#include "base/mem.h"
#include "base/pool.h"
#include "layers/tree_dir.h"
#include "layers/tree_inner.h"

/* So many directories in sight are worth threads, */
#define WORTH 8
/* and no more of those: they meet in the kernel. */
#define THREADS_MAX 8
#define WAIT_MS 1000

/* What the threads share. */
struct ahead {
    struct tree *tree;
    struct lock *lock; /* of what follows */
    struct node **dir; /* still to be read */
    size_t count, room;
    unsigned reading; /* threads that may find more */
    bool failed;
};

static void ahead_wipe(struct ahead *a)
{
    lock_free(a->lock);
    mem_free(a->dir);
}

static void add_below(struct ahead *a, const struct node *dir)
{
    for (uint32_t i = dir->child_count; i > 0; i--)
        if (dir->child[i - 1]->type == NODE_DIR)
            MEM_PUSH(a->dir, a->count, a->room, dir->child[i - 1]);
}

static bool read_dir(struct dir_reader *r, struct node *dir)
{
    struct err *e = dir->children_known ? NULL : dir_reader_read(r, dir);
    bool good = !e;

    /* Whoever comes to it meets the error again. */
    err_free(e);
    return good;
}

/* `done` was read (NULL: none was); which is next? False: there are no more. */
static bool next_dir(struct ahead *a, const struct node *done, struct node **next)
{
    AUTO(lock_release) struct lock *held = lock_hold(a->lock);

    if (done) {
        add_below(a, done);
        a->reading--;
        lock_wake(held);
    }
    while (a->count == 0 && a->reading > 0 && !a->failed)
        lock_wait(held, WAIT_MS);
    if (a->count == 0 || a->failed)
        return false;
    *next = a->dir[--a->count];
    a->reading++;
    return true;
}

static void end_reading(struct ahead *a, struct tree *store, bool good)
{
    AUTO(lock_release) struct lock *held = lock_hold(a->lock);

    tree_take_nodes(a->tree, store);
    a->failed = a->failed || !good;
    lock_wake(held);
}

static struct err *read_some(void *ctx, size_t thread)
{
    struct ahead *a = ctx;
    struct tree *store = tree_new();
    AUTO_VALUE(dir_reader_wipe) struct dir_reader reader = {.tree = a->tree, .store = store};
    struct node *dir = NULL;
    bool good = true;

    (void)thread;
    while (good && next_dir(a, dir, &dir))
        good = read_dir(&reader, dir);
    end_reading(a, store, good);
    return NULL;
}

void tree_read_ahead(struct tree *t, struct node *dir)
{
    AUTO_VALUE(ahead_wipe) struct ahead a = {.tree = t};
    unsigned threads = pool_cpus();
    bool good = true;

    if (!t->dir || threads == 1)
        return;
    a.lock = lock_new();
    MEM_PUSH(a.dir, a.count, a.room, dir);
    while (good && a.count > 0 && a.count < WORTH) {
        const struct node *next = a.dir[--a.count];
        good = read_dir(&t->dir->reader, a.dir[a.count]);
        add_below(&a, next);
    }
    threads = threads < THREADS_MAX ? threads : THREADS_MAX;
    if (good && a.count > 0)
        err_free(pool_each(threads, threads, read_some, &a));
}
