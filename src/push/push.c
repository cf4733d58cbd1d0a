/* SPDX-License-Identifier: Apache-2.0 */
#include "push/push.h"

#include "base/lock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/pool.h"
#include "base/str.h"
#include "image/digestset.h"
#include "image/manifest.h"
#include "push/confirm.h"
#include "push/hint.h"

#include <stdatomic.h>

#define JOBS 4
#define REGISTRIES_AT_ONCE 8

/* A blob on its way before the image is finished. */
struct ahead {
    struct push *push;
    struct desc desc;
    struct ahead *next;
};

/* What several targets may share. */
struct repository {
    struct store *store;
    size_t first; /* the first target in it that is not skipped */
    bool wanted;  /* there is one */
    bool known;   /* it had the root before */
};

struct push {
    struct store *from;
    struct push_target *target;
    size_t count;
    struct push_options options;
    struct repository *repository;
    size_t repository_count;
    size_t *in; /* of each target: the number of its repository */
    const struct desc *root;
    struct buf root_bytes; /* of who only gets the name; empty: not needed yet */
    bool named_at_once;    /* the root came with the first tag, */
    bool was_there;        /* or was named by it before */
    unsigned jobs;
    struct pool *pool;     /* NULL: nothing went ahead */
    struct ahead *ahead;   /* all, to be freed at the end */
    struct lock *lock;     /* of what follows */
    struct digestset sent; /* what went ahead to the first repository */
    struct err *failed;    /* the first failure of an upload */
    atomic_bool cancel;
};

static const struct ref *ref_of(const struct push *p, const struct repository *r)
{
    return &p->target[r->first].ref;
}

static bool is_same_registry(const struct ref *a, const struct ref *b)
{
    return str_eq(a->registry, b->registry);
}

/* The repository of target `index`, when an earlier one is in it too. */
static bool find_repository(const struct push *p, size_t index, size_t *number)
{
    const struct ref *ref = &p->target[index].ref;
    for (size_t i = 0; i < index; i++)
        if (is_same_registry(&p->target[i].ref, ref) &&
            str_eq(p->target[i].ref.repository, ref->repository)) {
            *number = p->in[i];
            return true;
        }
    return false;
}

static struct copy_options copying(struct push *p)
{
    return (struct copy_options){.jobs = p->options.jobs,
                                 .events = p->options.events,
                                 .verb = "push",
                                 .skip_foreign = !p->options.with_foreign,
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
    p->root_bytes = BUF(MANIFEST_SIZE_MAX);
    p->repository = mem_zero(count + 1, sizeof *p->repository);
    p->in = mem_zero(count + 1, sizeof *p->in);
    for (size_t i = 0; i < count; i++) {
        if (find_repository(p, i, &p->in[i]))
            continue;
        p->in[i] = p->repository_count;
        struct repository *made = &p->repository[p->repository_count];
        *made = (struct repository){.first = i, .wanted = true};
        TRY(registry_repository(r, &targets[i].ref, true, &made->store));
        p->repository_count++;
    }
    *out = TAKE(p);
    return NULL;
}

static void add_report(struct copy_report *sum, const struct copy_report *report)
{
    sum->blobs_sent += report->blobs_sent;
    sum->blobs_mounted += report->blobs_mounted;
    sum->blobs_present += report->blobs_present;
    sum->bytes_sent += report->bytes_sent;
}

static struct err *send_ahead(void *arg)
{
    struct ahead *a = arg;
    struct push *p = a->push;
    struct copy_options options = copying(p);
    struct copy_report report = {0};
    struct err *e = copy_blob(p->repository[0].store, p->from, &a->desc, &options, &report);
    if (e) {
        log_debug("a blob that went ahead of its image: %s", err_message(e));
        err_free(e);
        return NULL;
    }
    AUTO(lock_release) struct lock *held = lock_hold(p->lock);
    digestset_add(&p->sent, &a->desc.digest, NULL);
    add_report(&p->target[0].report, &report);
    return NULL;
}

/* Once nothing goes ahead any more. A registry may have the manifest without layers that were left out. */
static struct copy_options copying_graph(struct push *p)
{
    struct copy_options options = copying(p);
    options.from_top = !p->ahead && !p->options.with_foreign;
    return options;
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

static struct err *in_target(const struct push_target *target, struct err *e)
{
    AUTO(mem_free) char *name = ref_familiar(&target->ref);
    return err_wrap(e, "push %s", name);
}

static struct store *store_of(const struct push *p, size_t index)
{
    return p->repository[p->in[index]].store;
}

/* This image is there already. */
static void tell_of_present(struct push *p, size_t index)
{
    AUTO(mem_free) char *name = mem_printf("push %s", store_name(store_of(p, index)));
    struct event e = {.kind = EVENT_BLOB, .desc = p->root, .name = name, .total = p->root->size};
    event_emit(p->options.events, &e);
    e.kind = EVENT_BLOB_END;
    e.text = "exists";
    event_emit(p->options.events, &e);
}

/* A tag that may not be moved is looked at before anything is sent, and again before it is set. */
static struct err *check_free(struct push *p, size_t index)
{
    struct push_target *target = &p->target[index];
    AUTO_VALUE(desc_wipe) struct desc now = {0};
    char digest[DIGEST_TEXT];
    bool found = false;
    if (p->options.if_exists == PUSH_OVERWRITE || p->options.by_digest || !target->ref.tag || target->skipped)
        return NULL;
    TRY(in_target(target, store_resolve(store_of(p, index), target->ref.tag, &now, &found)));
    if (!found || digest_equal(&now.digest, &p->root->digest))
        return NULL;
    digest_text(&now.digest, digest);
    if (p->options.if_exists == PUSH_FAIL)
        return err_hint(in_target(target, err_new(ERR_CONFLICT, "the tag names another image, %s", digest)),
                        "push under another tag, or move this one with --if-exists=overwrite");
    AUTO(mem_free) char *name = ref_familiar(&target->ref);
    event_note(p->options.events, "%s names another image, %s: left as it is", name, digest);
    target->skipped = true;
    desc_copy(&target->pushed, &now);
    return NULL;
}

/* Which targets are left, and who stands for each repository. */
static struct err *choose(struct push *p)
{
    for (size_t i = 0; i < p->count; i++)
        TRY(check_free(p, i));
    for (size_t i = 0; i < p->repository_count; i++)
        p->repository[i].wanted = false;
    for (size_t i = 0; i < p->count; i++) {
        struct repository *r = &p->repository[p->in[i]];
        if (p->target[i].skipped || r->wanted)
            continue;
        r->wanted = true;
        r->first = i;
    }
    return NULL;
}

/* The root of a push to one repository alone comes with its first tag; with others, none is named before all
 * have taken it. */
static bool may_name_at_once(const struct push *p, const struct repository *r)
{
    if (p->options.by_digest || p->options.if_exists != PUSH_OVERWRITE || p->options.companion_count)
        return false;
    return p->repository_count == 1 && ref_of(p, r)->tag && store_can_put_tagged(r->store);
}

static struct err *need_root(struct push *p)
{
    return p->root_bytes.len ? NULL : store_read(p->from, p->root, &p->root_bytes);
}

/* Has the root a subject? Then its tag may be there, and the note of what refers to that subject may not. */
static struct err *refers(struct push *p, bool *yes)
{
    AUTO_VALUE(manifest_wipe) struct manifest m = {0};
    TRY(need_root(p));
    TRY(manifest_parse(&m, buf_text(&p->root_bytes), p->root_bytes.len, p->root->media_type, "manifest"));
    *yes = m.subject.media_type != NULL;
    return NULL;
}

/* Is the first tag there, naming this very image? Registries take a manifest only when they have what it
 * names, so then all is. A registry that lets nobody look may still let us push. */
static struct err *look(struct push *p, const struct repository *r, bool *done)
{
    bool again = false;
    AUTO_VALUE(desc_wipe) struct desc now = {0};
    bool found = false;
    *done = false;
    struct err *e = store_resolve(r->store, ref_of(p, r)->tag, &now, &found);
    if (e && (err_kind_of(e) == ERR_NETWORK || err_kind_of(e) == ERR_STOPPED))
        return e;
    err_free(e);
    if (!found || !digest_equal(&now.digest, &p->root->digest))
        return NULL;
    TRY(refers(p, &again));
    *done = !again;
    if (*done)
        tell_of_present(p, r->first);
    return NULL;
}

/* Another repository on the same registry that has the blobs by now. */
static const struct repository *neighbour(const struct push *p, const struct repository *r)
{
    for (const struct repository *other = p->repository; other < r; other++)
        if (other->wanted && is_same_registry(ref_of(p, other), ref_of(p, r)))
            return other;
    return NULL;
}

static struct err *upload_companions(struct push *p, struct repository *r, struct store *from)
{
    struct copy_options options = copying_graph(p);
    for (size_t i = 0; i < p->options.companion_count; i++) {
        const struct push_companion *with = &p->options.companions[i];
        TRY(copy_graph(r->store, from, &with->desc, &options, &p->target[r->first].report));
        if (with->tag)
            TRY(store_tag(r->store, with->tag, &with->desc));
    }
    return NULL;
}

static struct err *upload(struct push *p, struct repository *r)
{
    struct copy_options options = copying_graph(p);
    const struct repository *beside = neighbour(p, r);
    AUTO(mem_free) char *origin = beside ? ref_name(ref_of(p, beside)) : NULL;
    AUTO(store_free) struct store *hinted = origin ? hint_store(p->from, origin) : NULL;
    if (r == p->repository)
        options.present = &p->sent;
    if (may_name_at_once(p, r)) {
        bool done = false;
        if (options.from_top)
            TRY(look(p, r, &done));
        p->named_at_once = true;
        p->was_there = done;
        r->known = done;
        if (done)
            return NULL;
        options.tag = ref_of(p, r)->tag;
    }
    struct store *from = hinted ? hinted : p->from;
    struct copy_report *report = &p->target[r->first].report;
    TRY(copy_graph(r->store, from, p->root, &options, report));
    r->known = report->known;
    return upload_companions(p, r, from);
}

/* Whoever fails first is reported; the others are stopped, and what they say of that is dropped. */
static void fail(struct push *p, struct err *e)
{
    AUTO(lock_release) struct lock *held = lock_hold(p->lock);
    if (p->failed)
        err_free(e);
    else
        p->failed = e;
    atomic_store(&p->cancel, true);
}

/* All repositories of one registry, one after the other, so that the later ones can mount. `index` is that of
 * any repository; the work is done at the registry's first. */
static struct err *upload_registry(void *ctx, size_t index)
{
    struct push *p = ctx;
    struct repository *first = &p->repository[index];
    if (!first->wanted || neighbour(p, first))
        return NULL;
    for (struct repository *r = first; r < p->repository + p->repository_count; r++) {
        if (!r->wanted || !is_same_registry(ref_of(p, r), ref_of(p, first)) || atomic_load(&p->cancel))
            continue;
        struct err *e = in_target(&p->target[r->first], upload(p, r));
        if (e)
            fail(p, e);
    }
    return NULL;
}

/* What was put here is remembered there; what was there would be fetched, only to be put. */
static struct err *put_tag(struct push *p, const struct repository *r, const char *tag)
{
    if (!r->known || !store_can_put_tagged(r->store))
        return store_tag(r->store, tag, p->root);
    TRY(need_root(p));
    AUTO(source_free)
    struct source *bytes = source_mem(buf_text(&p->root_bytes), p->root_bytes.len);
    return store_put_tagged(r->store, p->root, tag, bytes);
}

/* The repository may have lost a blob of what it had, which nobody looked at. */
static struct err *name_root(struct push *p, struct repository *r, const char *tag)
{
    struct err *e = put_tag(p, r, tag);
    if (!e || !r->known || !copy_is_of_lost_blob(e, true))
        return e;
    struct copy_options options = copying(p);
    r->known = false;
    event_note(p->options.events, "%s; looking at all that it refers to", err_message(e));
    err_free(e);
    TRY(copy_graph(r->store, p->from, p->root, &options, &p->target[r->first].report));
    return put_tag(p, r, tag);
}

static struct err *set_tag(struct push *p, size_t index)
{
    struct push_target *target = &p->target[index];
    struct repository *r = &p->repository[p->in[index]];
    TRY(check_free(p, index));
    if (target->skipped)
        return NULL;
    desc_copy(&target->pushed, p->root);
    if (p->options.by_digest || !target->ref.tag)
        return NULL;
    if (index == 0 && p->was_there)
        return NULL;
    if (index > 0 || !p->named_at_once)
        TRY(in_target(target, name_root(p, r, target->ref.tag)));
    return in_target(target, confirm_tag(store_of(p, index), target->ref.tag, p->root, p->options.events));
}

struct err *push_finish(struct push *p, const struct desc *root)
{
    p->root = root;
    if (p->pool)
        TRY(pool_wait(p->pool));
    TRY(choose(p));
    TRY(pool_each(REGISTRIES_AT_ONCE, p->repository_count, upload_registry, p));
    if (p->failed)
        return TAKE(p->failed);
    for (size_t i = 0; i < p->count; i++)
        TRY(set_tag(p, i));
    for (size_t i = 0; i < p->count; i++)
        p->target[i].known = !p->target[i].skipped && p->repository[p->in[i]].known;
    return NULL;
}

void push_free(struct push *p)
{
    atomic_store(&p->cancel, true);
    pool_free(p->pool);
    for (size_t i = 0; i < p->repository_count; i++)
        store_free(p->repository[i].store);
    while (p->ahead) {
        struct ahead *a = p->ahead;
        p->ahead = a->next;
        desc_wipe(&a->desc);
        free(a);
    }
    digestset_wipe(&p->sent);
    buf_wipe(&p->root_bytes);
    err_free(p->failed);
    lock_free(p->lock);
    free(p->repository);
    free(p->in);
    free(p);
}
