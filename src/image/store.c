/* SPDX-License-Identifier: Apache-2.0 */
#include "image/store.h"

#include <assert.h>

struct err *store_has(struct store *s, const struct desc *d, bool *yes)
{
    assert(digest_is_set(&d->digest));
    *yes = false;
    return s->ops->has(s, d, yes);
}

struct err *store_get(struct store *s, const struct desc *d, struct source **out)
{
    assert(digest_is_set(&d->digest));
    return s->ops->get(s, d, out);
}

struct err *store_put(struct store *s, const struct desc *d, struct source *from)
{
    assert(digest_is_set(&d->digest));
    return s->ops->put(s, d, from);
}

struct err *store_resolve(struct store *s, const char *tag, struct desc *out, bool *found)
{
    *found = false;
    return s->ops->resolve(s, tag, out, found);
}

struct err *store_tag(struct store *s, const char *tag, const struct desc *d)
{
    return s->ops->tag(s, tag, d);
}

bool store_can_put_tagged(const struct store *s)
{
    return s->ops->put_tagged != NULL;
}

struct err *store_put_tagged(struct store *s, const struct desc *d, const char *tag, struct source *from)
{
    assert(digest_is_set(&d->digest) && s->ops->put_tagged);
    return s->ops->put_tagged(s, d, tag, from);
}

char *store_origin(struct store *s, const struct desc *d)
{
    return s->ops->origin ? s->ops->origin(s, d) : NULL;
}

struct err *store_fits(struct store *s, const struct desc *d)
{
    return s->ops->fits ? s->ops->fits(s, d) : NULL;
}

struct err *store_mount(struct store *s, const struct desc *d, const char *origin, bool *done)
{
    *done = false;
    return s->ops->mount ? s->ops->mount(s, d, origin, done) : NULL;
}

const char *store_name(const struct store *s)
{
    return s->ops->name(s);
}

void store_free(struct store *s)
{
    if (s)
        s->ops->free(s);
}

struct err *store_read(struct store *s, const struct desc *d, struct buf *out)
{
    char digest[DIGEST_SHORT];
    digest_short(&d->digest, digest);
    if (d->size > out->max - out->len)
        return err_new(ERR_RESOURCE, "%s is said to have %llu bytes; at most %zu are read", digest,
                       (unsigned long long)d->size, out->max);
    AUTO(source_free) struct source *from = NULL;
    TRY(store_get(s, d, &from));
    return source_read_all(from, out, digest);
}

struct err *store_write(struct store *s, const char *media_type, const void *data, size_t len,
                        struct desc *out)
{
    struct digest digest = digest_of(data, len);
    desc_set(out, media_type, &digest, len);
    AUTO(source_free) struct source *from = source_mem(data, len);
    return store_put(s, out, from);
}
