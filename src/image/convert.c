/* SPDX-License-Identifier: Apache-2.0 */
#include "image/convert.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "image/manifest.h"
#include "image/mediatype.h"

#include <string.h>

#define DEPTH_MAX 8
#define BYTES_MAX (256 << 20)

/* A manifest that was written anew. */
struct made {
    struct desc old, desc;
    char *data;
};

struct convert {
    struct store store;
    struct store *from;
    struct made *made;
    size_t count, room;
    uint64_t bytes; /* read so far */
    enum convert_to to;
    const struct events *events;
};

static struct convert *self(struct store *s)
{
    return (struct convert *)s;
}

static const struct made *find(const struct convert *c, const struct digest *digest)
{
    for (size_t i = 0; i < c->count; i++)
        if (digest_equal(&c->made[i].desc.digest, digest))
            return &c->made[i];
    return NULL;
}

static struct err *convert_has(struct store *s, const struct desc *d, bool *yes)
{
    *yes = find(self(s), &d->digest) != NULL;
    return *yes ? NULL : store_has(self(s)->from, d, yes);
}

static struct err *convert_get(struct store *s, const struct desc *d, struct source **out)
{
    const struct made *made = find(self(s), &d->digest);
    if (!made)
        return store_get(self(s)->from, d, out);
    *out = source_mem(made->data, (size_t)made->desc.size);
    return NULL;
}

static struct err *convert_put(struct store *s, const struct desc *d, struct source *from)
{
    return store_put(self(s)->from, d, from);
}

static struct err *convert_resolve(struct store *s, const char *tag, struct desc *out, bool *found)
{
    return store_resolve(self(s)->from, tag, out, found);
}

static struct err *convert_tag(struct store *s, const char *tag, const struct desc *d)
{
    return store_tag(self(s)->from, tag, d);
}

static char *convert_origin(struct store *s, const struct desc *d)
{
    return find(self(s), &d->digest) ? NULL : store_origin(self(s)->from, d);
}

static const char *convert_name(const struct store *s)
{
    return store_name(((const struct convert *)s)->from);
}

static void convert_free(struct store *s)
{
    struct convert *c = self(s);
    for (size_t i = 0; i < c->count; i++) {
        desc_wipe(&c->made[i].old);
        desc_wipe(&c->made[i].desc);
        free(c->made[i].data);
    }
    free(c->made);
    free(c);
}

static const char *type_for(const struct convert *c, const char *type)
{
    return c->to == CONVERT_OCI ? mediatype_to_oci(type) : mediatype_to_docker(type);
}

/* "mediaType" of a document or of a descriptor in it. */
static struct err *set_type(const struct convert *c, json_t *object)
{
    const char *type = json_string_value(json_object_get(object, "mediaType"));
    const char *other = type_for(c, type);
    if (!other) {
        AUTO(mem_free) char *safe = str_safe(type ? type : "");
        return err_new(ERR_UNSUPPORTED, "there is no type of Docker for %s", safe);
    }
    json_put(object, "mediaType", json_new_str(other));
    return NULL;
}

static struct err *set_types(const struct convert *c, json_t *array)
{
    json_t *item;
    size_t i;
    json_array_foreach (array, i, item)
        TRY(set_type(c, item));
    return NULL;
}

static bool is_attestation(const struct desc *d)
{
    return str_eq(d->platform.os, "unknown") && str_eq(d->platform.architecture, "unknown");
}

static struct err *convert_one(struct convert *c, const struct desc *d, unsigned depth, struct desc *out);

/* Children first: their new digests stand in the index. */
static struct err *set_children(struct convert *c, const struct manifest *m, json_t *array, unsigned depth)
{
    for (size_t i = m->manifests.count; i-- > 0;) {
        const struct desc *child = &m->manifests.item[i];
        AUTO_VALUE(desc_wipe) struct desc now = {0};
        char digest[DIGEST_TEXT], brief[DIGEST_SHORT];
        digest_short(&child->digest, brief);
        if (c->to == CONVERT_DOCKER && is_attestation(child)) {
            event_warn(c->events, "%s is left out: Docker's list of images has no attestations", brief);
            json_array_remove(array, i);
            continue;
        }
        if (!mediatype_is_manifest(child->media_type)) {
            TRY(set_type(c, json_array_get(array, i)));
            continue;
        }
        TRY(err_wrap(convert_one(c, child, depth + 1, &now), "%s", brief));
        json_t *item = json_array_get(array, i);
        json_put(item, "mediaType", json_new_str(now.media_type));
        json_put(item, "digest", json_new_str(digest_text(&now.digest, digest)));
        json_put(item, "size", json_integer((json_int_t)now.size));
    }
    return NULL;
}

/* What Docker's documents do not have. */
static void drop_oci_keys(json_t *object)
{
    static const char *const keys[] = {"annotations", "artifactType", "subject"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        (void)json_object_del(object, keys[i]);
}

static struct err *rewrite(struct convert *c, const struct manifest *m, json_t *object, unsigned depth)
{
    TRY(set_type(c, object));
    if (c->to == CONVERT_DOCKER && !mediatype_is_docker(m->media_type))
        drop_oci_keys(object);
    if (m->config.media_type)
        TRY(set_type(c, json_object_get(object, "config")));
    TRY(set_types(c, json_object_get(object, "layers")));
    return set_children(c, m, json_object_get(object, "manifests"), depth);
}

/* Nothing to change: the bytes stay, however they are formatted. */
static struct err *make(struct convert *c, const struct desc *d, struct buf *bytes, unsigned depth,
                        struct made *made)
{
    AUTO_VALUE(manifest_wipe) struct manifest m = {0};
    AUTO(json_decref) json_t *object = NULL;
    TRY(manifest_parse(&m, buf_text(bytes), bytes->len, d->media_type, "manifest"));
    TRY(json_parse(&object, buf_text(bytes), bytes->len, "manifest"));
    json_put(object, "mediaType", json_new_str(m.media_type)); /* may be absent in OCI's */
    AUTO(json_decref) json_t *before = json_deep_copy(object);
    TRY(rewrite(c, &m, object, depth));
    desc_copy(&made->old, d);
    desc_copy(&made->desc, d);
    if (json_equal(before, object)) {
        made->data = buf_take(bytes);
        return NULL;
    }
    made->data = json_text(object);
    struct digest digest = digest_of(made->data, strlen(made->data));
    desc_set(&made->desc, json_string_value(json_object_get(object, "mediaType")), &digest,
             strlen(made->data));
    return NULL;
}

static struct err *convert_one(struct convert *c, const struct desc *d, unsigned depth, struct desc *out)
{
    AUTO_VALUE(buf_wipe) struct buf bytes = BUF(MANIFEST_SIZE_MAX);
    struct made made = {0};
    if (depth > DEPTH_MAX)
        return err_new(ERR_RESOURCE, "its indexes are nested deeper than %d levels", DEPTH_MAX);
    for (size_t i = 0; i < c->count; i++)
        if (digest_equal(&c->made[i].old.digest, &d->digest)) {
            desc_copy(out, &c->made[i].desc);
            return NULL;
        }
    TRY(store_read(c->from, d, &bytes));
    c->bytes += bytes.len;
    if (c->bytes > BYTES_MAX)
        return err_new(ERR_RESOURCE, "its manifests have more than %d MiB", BYTES_MAX >> 20);
    struct err *e = make(c, d, &bytes, depth, &made);
    MEM_PUSH(c->made, c->count, c->room, made);
    if (!e)
        desc_copy(out, &made.desc);
    return e;
}

struct err *convert_image(struct store **out, struct store *from, const struct desc *root, enum convert_to to,
                          const struct events *events, struct desc *converted)
{
    static const struct store_ops ops = {.has = convert_has,
                                         .get = convert_get,
                                         .put = convert_put,
                                         .resolve = convert_resolve,
                                         .tag = convert_tag,
                                         .origin = convert_origin,
                                         .name = convert_name,
                                         .free = convert_free};
    char brief[DIGEST_SHORT];
    struct convert *c = mem_zero(1, sizeof *c);
    c->store.ops = &ops;
    c->from = from;
    c->to = to;
    c->events = events;
    AUTO(store_free) struct store *made = &c->store;
    TRY(err_wrap(convert_one(c, root, 1, converted), "convert %s", digest_short(&root->digest, brief)));
    *out = TAKE(made);
    return NULL;
}
