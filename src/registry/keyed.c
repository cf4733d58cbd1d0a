/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/keyed.h"
#include "base/json.h"
#include "base/lock.h"
#include "base/mem.h"
#include "image/manifest.h"
#include "image/mediatype.h"

struct keyed {
    struct store store;
    struct keyed_place *place;
    char *shown;
    struct lock *lock; /* for what follows */
    struct digest digest;
    char *data; /* the manifest that was read or written last; NULL: none */
    size_t len;
};

static struct keyed *self(struct store *s)
{
    return (struct keyed *)s;
}

static bool is_manifest(const struct desc *d)
{
    return d->media_type && mediatype_is_manifest(d->media_type);
}

static void keep(struct keyed *k, const struct digest *digest, const void *data, size_t len)
{
    AUTO(lock_release) struct lock *held = lock_hold(k->lock);
    mem_free(k->data);
    k->data = mem_dup(data, len);
    k->len = len;
    k->digest = *digest;
}

static bool recall(struct keyed *k, const struct digest *digest, struct buf *out)
{
    AUTO(lock_release) struct lock *held = lock_hold(k->lock);
    if (!k->data || !digest_equal(&k->digest, digest))
        return false;
    buf_add(out, k->data, k->len);
    return true;
}

static struct err *keyed_has(struct store *s, const struct desc *d, bool *yes)
{
    return self(s)->place->ops->has(self(s)->place, d, yes);
}

static struct err *keyed_get(struct store *s, const struct desc *d, struct source **out)
{
    struct keyed *k = self(s);
    char text[DIGEST_SHORT];
    AUTO(source_free) struct source *bytes = NULL;
    AUTO_VALUE(buf_wipe) struct buf kept = BUF(MANIFEST_SIZE_MAX);
    AUTO(mem_free) char *what = mem_printf("%s from %s", digest_short(&d->digest, text), k->shown);
    if (is_manifest(d) && recall(k, &d->digest, &kept))
        bytes = source_mem(buf_text(&kept), kept.len);
    else
        TRY(k->place->ops->get(k->place, d, &bytes));
    *out = source_verify(TAKE(bytes), &d->digest, d->size, what);
    return NULL;
}

static struct err *keyed_put(struct store *s, const struct desc *d, struct source *from)
{
    return self(s)->place->ops->put(self(s)->place, d, from);
}

static struct err *keyed_put_tagged(struct store *s, const struct desc *d, const char *tag,
                                    struct source *from)
{
    struct keyed *k = self(s);
    AUTO_VALUE(buf_wipe) struct buf data = BUF(MANIFEST_SIZE_MAX);
    TRY(source_read_all(from, &data, "the manifest"));
    TRY(k->place->ops->write(k->place, tag, &d->digest, buf_text(&data), data.len));
    keep(k, &d->digest, buf_text(&data), data.len);
    return NULL;
}

static struct err *keyed_tag(struct store *s, const char *tag, const struct desc *d)
{
    AUTO(source_free) struct source *bytes = NULL;
    TRY(keyed_get(s, d, &bytes));
    return keyed_put_tagged(s, d, tag, bytes);
}

/* Nobody but the manifest itself says what it is. */
static struct err *media_type(const char *data, size_t len, const char **type, json_t **owner)
{
    TRY(json_parse(owner, data, len, "its manifest"));
    TRY(json_get_str(*owner, "mediaType", "its manifest", type));
    if (!*type)
        *type = MEDIATYPE_OCI_MANIFEST;
    if (!mediatype_is_manifest(*type))
        return err_new(ERR_INPUT, "what stands under its name is no manifest");
    return NULL;
}

static struct err *keyed_resolve(struct store *s, const char *tag, struct desc *out, bool *found)
{
    struct keyed *k = self(s);
    const char *type = NULL;
    AUTO(json_decref) json_t *owner = NULL;
    AUTO_VALUE(buf_wipe) struct buf data = BUF(MANIFEST_SIZE_MAX);
    TRY(k->place->ops->read(k->place, tag, &data, found));
    if (!*found)
        return NULL;
    TRY(media_type(buf_text(&data), data.len, &type, &owner));
    struct digest digest = digest_of(buf_text(&data), data.len);
    keep(k, &digest, buf_text(&data), data.len);
    desc_set(out, type, &digest, data.len);
    return NULL;
}

static const char *keyed_name(const struct store *s)
{
    return ((const struct keyed *)s)->shown;
}

static void keyed_free(struct store *s)
{
    struct keyed *k = self(s);
    k->place->ops->free(k->place);
    lock_free(k->lock);
    mem_free(k->data);
    mem_free(k->shown);
    mem_free(k);
}

struct store *keyed_store(struct keyed_place *place_take, const char *shown)
{
    static const struct store_ops ops = {.has = keyed_has,
                                         .get = keyed_get,
                                         .put = keyed_put,
                                         .put_tagged = keyed_put_tagged,
                                         .resolve = keyed_resolve,
                                         .tag = keyed_tag,
                                         .name = keyed_name,
                                         .free = keyed_free};
    struct keyed *k = mem_zero(1, sizeof *k);
    k->store.ops = &ops;
    k->place = place_take;
    k->shown = mem_strdup(shown);
    k->lock = lock_new();
    return &k->store;
}
