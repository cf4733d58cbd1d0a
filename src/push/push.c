/* SPDX-License-Identifier: Apache-2.0 */
#include "push/push.h"

#include "base/lock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/pool.h"
#include "base/str.h"
#include "image/digestset.h"
#include "push/hint.h"

#include <stdatomic.h>

#define JOBS 4

/* A blob on its way before the image is finished. */
struct ahead {
    struct push *push;
    struct desc desc;
    struct ahead *next;
};

struct push {
    struct store *from;
    struct push_target *target;
    size_t count;
    struct push_options options;
    struct store **store; /* of each target; one for targets in the same repository */
    unsigned jobs;
    struct pool *pool;     /* NULL: nothing went ahead */
    struct ahead *ahead;   /* all, to be freed at the end */
    struct lock *lock;     /* of what follows */
    struct digestset sent; /* what went ahead to the first target's repository */
    atomic_bool cancel;
};

/* The first target before `index` on the same registry and, when `repository`, in the same repository; or
 * NULL. */
static const struct push_target *earlier(const struct push_target *targets, size_t index, bool repository)
{
    const struct ref *ref = &targets[index].ref;
    for (size_t i = 0; i < index; i++)
        if (str_eq(targets[i].ref.registry, ref->registry) &&
            (!repository || str_eq(targets[i].ref.repository, ref->repository)))
            return &targets[i];
    return NULL;
}

static struct copy_options copying(struct push *p)
{
    return (struct copy_options){.jobs = p->options.jobs,
                                 .events = p->options.events,
                                 .verb = "push",
                                 .skip_foreign = true,
                                 .cancel = &p->cancel};
}

struct err *push_begin(struct push **out, struct registry *r, struct store *from, struct push_target *targets,
                       size_t count, const struct push_options *options)
{
    AUTO(push_free) struct push *p = mem_zero(1, sizeof *p);
    p->jobs = options->jobs ? options->jobs : JOBS;
    p->from = from;
    p->target = targets;
    p->count = count;
    p->options = *options;
    p->lock = lock_new();
    p->store = mem_zero(count + 1, sizeof(struct store *));
    for (size_t i = 0; i < count; i++) {
        const struct push_target *same = earlier(targets, i, true);
        if (same)
            p->store[i] = p->store[same - targets];
        else
            TRY(registry_repository(r, &targets[i].ref, true, &p->store[i]));
    }
    *out = TAKE(p);
    return NULL;
}

static struct err *send_ahead(void *arg)
{
    struct ahead *a = arg;
    struct push *p = a->push;
    struct copy_options options = copying(p);
    struct copy_report report = {0};
    struct err *e = copy_blob(p->store[0], p->from, &a->desc, &options, &report);
    if (e) {
        log_debug("a blob that went ahead of its image: %s", err_message(e));
        err_free(e);
        return NULL;
    }
    AUTO(lock_release) struct lock *held = lock_hold(p->lock);
    struct copy_report *sum = &p->target[0].report;
    digestset_add(&p->sent, &a->desc.digest, NULL);
    sum->blobs_sent += report.blobs_sent;
    sum->blobs_mounted += report.blobs_mounted;
    sum->blobs_present += report.blobs_present;
    sum->bytes_sent += report.bytes_sent;
    return NULL;
}

void push_ready(struct push *p, const struct desc *d)
{
    if (p->jobs < 2 || p->count == 0)
        return;
    if (!p->pool)
        p->pool = pool_new(p->jobs);
    for (const struct ahead *a = p->ahead; a; a = a->next)
        if (digest_equal(&a->desc.digest, &d->digest))
            return;
    struct ahead *a = mem_zero(1, sizeof *a);
    a->push = p;
    desc_copy(&a->desc, d);
    a->next = p->ahead;
    p->ahead = a;
    pool_submit(p->pool, send_ahead, a);
}

/* The root of a push to one repository alone comes with its first tag; with others, none is named before all
 * have taken it. */
static bool is_named_at_once(const struct push *p, size_t index)
{
    for (size_t i = 1; i < p->count; i++)
        if (!earlier(p->target, i, true))
            return false;
    return index == 0 && p->target[0].ref.tag && store_can_put_tagged(p->store[0]);
}

/* The first tag names this image already. */
static void tell_of_present(struct push *p, const struct desc *root)
{
    AUTO(mem_free) char *name = mem_printf("push %s", store_name(p->store[0]));
    struct event e = {.kind = EVENT_BLOB, .desc = root, .name = name, .total = root->size};
    event_emit(p->options.events, &e);
    e.kind = EVENT_BLOB_END;
    e.text = "exists";
    event_emit(p->options.events, &e);
}

/* Is the first tag there, naming this very image? Registries take a manifest only when they have what it
 * names, so then all is. A registry that lets nobody look may still let us push. */
static struct err *look(struct push *p, const struct desc *root, bool *done)
{
    AUTO_VALUE(desc_wipe) struct desc now = {0};
    bool found = false;
    *done = false;
    struct err *e = store_resolve(p->store[0], p->target[0].ref.tag, &now, &found);
    if (e && (err_kind_of(e) == ERR_NETWORK || err_kind_of(e) == ERR_STOPPED))
        return e;
    err_free(e);
    *done = found && digest_equal(&now.digest, &root->digest);
    if (*done)
        tell_of_present(p, root);
    return NULL;
}

static struct err *upload(struct push *p, const struct desc *root, size_t index)
{
    struct copy_options options = copying(p);
    const struct push_target *neighbour = earlier(p->target, index, false);
    AUTO(mem_free) char *origin = neighbour ? ref_name(&neighbour->ref) : NULL;
    AUTO(store_free) struct store *hinted = origin ? hint_store(p->from, origin) : NULL;
    if (earlier(p->target, index, true))
        return NULL;
    if (index == 0)
        options.present = &p->sent;
    if (is_named_at_once(p, index)) {
        bool done = false;
        if (!p->ahead)
            TRY(look(p, root, &done));
        if (done)
            return NULL;
        options.tag = p->target[index].ref.tag;
    }
    return copy_graph(p->store[index], hinted ? hinted : p->from, root, &options, &p->target[index].report);
}

static struct err *tag(struct push *p, const struct desc *root, size_t index)
{
    struct push_target *target = &p->target[index];
    if (target->ref.tag && !is_named_at_once(p, index))
        TRY(store_tag(p->store[index], target->ref.tag, root));
    desc_copy(&target->pushed, root);
    return NULL;
}

static struct err *for_each_target(struct push *p, const struct desc *root,
                                   struct err *(*act)(struct push *p, const struct desc *root, size_t index))
{
    for (size_t i = 0; i < p->count; i++) {
        AUTO(mem_free) char *name = ref_familiar(&p->target[i].ref);
        TRY(err_wrap(act(p, root, i), "push %s", name));
    }
    return NULL;
}

struct err *push_finish(struct push *p, const struct desc *root)
{
    if (p->pool)
        TRY(pool_wait(p->pool));
    TRY(for_each_target(p, root, upload));
    return for_each_target(p, root, tag);
}

void push_free(struct push *p)
{
    atomic_store(&p->cancel, true);
    pool_free(p->pool);
    for (size_t i = 0; i < p->count; i++)
        if (p->store[i] && !earlier(p->target, i, true))
            store_free(p->store[i]);
    while (p->ahead) {
        struct ahead *a = p->ahead;
        p->ahead = a->next;
        desc_wipe(&a->desc);
        free(a);
    }
    digestset_wipe(&p->sent);
    lock_free(p->lock);
    free(p->store);
    free(p);
}
