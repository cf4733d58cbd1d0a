/* SPDX-License-Identifier: Apache-2.0 */
#include "push/hint.h"

#include "base/mem.h"

struct hint {
    struct store store;
    struct store *inner;
    char *origin;
};

static struct hint *hint_of(struct store *s)
{
    return (struct hint *)s;
}

static struct err *hint_has(struct store *s, const struct desc *d, bool *yes)
{
    return store_has(hint_of(s)->inner, d, yes);
}

static struct err *hint_get(struct store *s, const struct desc *d, struct source **out)
{
    return store_get(hint_of(s)->inner, d, out);
}

static struct err *hint_put(struct store *s, const struct desc *d, struct source *from)
{
    return store_put(hint_of(s)->inner, d, from);
}

static struct err *hint_resolve(struct store *s, const char *tag, struct desc *out, bool *found)
{
    return store_resolve(hint_of(s)->inner, tag, out, found);
}

static struct err *hint_tag(struct store *s, const char *tag, const struct desc *d)
{
    return store_tag(hint_of(s)->inner, tag, d);
}

static char *hint_origin(struct store *s, const struct desc *d)
{
    (void)d;
    return mem_strdup(hint_of(s)->origin);
}

static const char *hint_name(const struct store *s)
{
    return store_name(((const struct hint *)s)->inner);
}

static void hint_free(struct store *s)
{
    free(hint_of(s)->origin);
    free(s);
}

static const struct store_ops hint_ops = {
    .has = hint_has,
    .get = hint_get,
    .put = hint_put,
    .resolve = hint_resolve,
    .tag = hint_tag,
    .origin = hint_origin,
    .name = hint_name,
    .free = hint_free,
};

struct store *hint_store(struct store *inner, const char *origin)
{
    struct hint *h = mem_zero(1, sizeof *h);
    h->store.ops = &hint_ops;
    h->inner = inner;
    h->origin = mem_strdup(origin);
    return &h->store;
}
