/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/origin.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/str.h"
#include "image/ref.h"

#include <string.h>

struct origin {
    struct store store;
    struct store *layout; /* borrowed */
    struct registry *registry;
    bool keep;
    struct lock *lock; /* for the repositories that blobs were had from */
    struct store **repositories;
    size_t count, room;
};

static struct origin *self(struct store *s)
{
    return (struct origin *)s;
}

static struct err *repository_of(struct origin *o, const char *where, struct store **out)
{
    AUTO(lock_release) struct lock *held = lock_hold(o->lock);
    for (size_t i = 0; i < o->count; i++)
        if (str_eq(store_name(o->repositories[i]), where)) {
            *out = o->repositories[i];
            return NULL;
        }
    const char *slash = strchr(where, '/');
    if (!slash)
        return err_new(ERR_INPUT, "\"%s\" is not an origin", where);
    AUTO_VALUE(ref_wipe)
    struct ref ref = {.registry = mem_strndup(where, (size_t)(slash - where)),
                      .repository = mem_strdup(slash + 1)};
    TRY(registry_source(o->registry, &ref, out));
    MEM_PUSH(o->repositories, o->count, o->room, *out);
    return NULL;
}

static struct err *from_origin(struct origin *o, const struct desc *d, const char *where, struct source **out)
{
    struct store *repository;
    char text[DIGEST_SHORT];
    TRY(repository_of(o, where, &repository));
    return err_wrap(store_get(repository, d, out), "%s was left at %s, and cannot be had there",
                    digest_short(&d->digest, text), where);
}

static struct err *keep_here(struct origin *o, const struct desc *d, const char *where)
{
    AUTO(source_free) struct source *from = NULL;
    TRY(from_origin(o, d, where, &from));
    return store_put(o->layout, d, from);
}

static struct err *origin_get(struct store *s, const struct desc *d, struct source **out)
{
    struct origin *o = self(s);
    bool here;
    TRY(store_has(o->layout, d, &here));
    AUTO(mem_free) char *where = here ? NULL : store_origin(o->layout, d);
    if (!where)
        return store_get(o->layout, d, out);
    if (!o->keep)
        return from_origin(o, d, where, out);
    struct err *e = keep_here(o, d, where);
    /* Something on the way may have mixed up one answer, and a mirror that did is not asked again. */
    if (e && err_kind_of(e) == ERR_INTEGRITY) {
        err_free(e);
        e = keep_here(o, d, where);
    }
    TRY(e);
    return store_get(o->layout, d, out);
}

static struct err *origin_has(struct store *s, const struct desc *d, bool *yes)
{
    return store_has(self(s)->layout, d, yes);
}

static struct err *origin_put(struct store *s, const struct desc *d, struct source *from)
{
    return store_put(self(s)->layout, d, from);
}

static struct err *origin_resolve(struct store *s, const char *tag, struct desc *out, bool *found)
{
    return store_resolve(self(s)->layout, tag, out, found);
}

static struct err *origin_tag(struct store *s, const char *tag, const struct desc *d)
{
    return store_tag(self(s)->layout, tag, d);
}

static char *origin_origin(struct store *s, const struct desc *d)
{
    return store_origin(self(s)->layout, d);
}

static const char *origin_name(const struct store *s)
{
    return store_name(((const struct origin *)s)->layout);
}

static void origin_free(struct store *s)
{
    struct origin *o = self(s);
    for (size_t i = 0; i < o->count; i++)
        store_free(o->repositories[i]);
    mem_free(o->repositories);
    lock_free(o->lock);
    mem_free(o);
}

static const struct store_ops origin_ops = {.has = origin_has,
                                            .get = origin_get,
                                            .put = origin_put,
                                            .resolve = origin_resolve,
                                            .tag = origin_tag,
                                            .origin = origin_origin,
                                            .name = origin_name,
                                            .free = origin_free};

struct store *origin_store(struct store *layout, struct registry *r, bool keep)
{
    struct origin *o = mem_zero(1, sizeof *o);
    o->store.ops = &origin_ops;
    o->layout = layout;
    o->registry = r;
    o->keep = keep;
    o->lock = lock_new();
    return &o->store;
}
