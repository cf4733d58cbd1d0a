/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/inventory.h"

#include "base/mem.h"
#include "base/pool.h"
#include "image/config.h"
#include "image/manifest.h"
#include "image/mediatype.h"
#include "image/store.h"
#include "registry/fallback.h"
#include "registry/manifests.h"
#include "registry/names.h"

#define REQUESTS 8
#define DEPTH_MAX 8
#define NEEDS_MAX 10000
#define CREATED "org.opencontainers.image.created"

struct reading {
    struct repo repo;
    struct store *store;
    const struct inventory_wish *wish;
    struct strlist tags;
    struct desclist descs; /* of the tags; without a media type when one is gone meanwhile */
    struct images *images;
};

static void reading_wipe(struct reading *r)
{
    store_free(r->store);
    strlist_wipe(&r->tags);
    desclist_wipe(&r->descs);
}

static struct err *resolve(void *ctx, size_t i)
{
    struct reading *r = ctx;
    bool found = false;
    return err_wrap(manifests_resolve(&r->repo, r->tags.item[i], &r->descs.item[i], &found), "tag %s",
                    r->tags.item[i]);
}

static void group(struct reading *r)
{
    AUTO_VALUE(digestset_wipe) struct digestset seen = {0};
    for (size_t i = 0; i < r->tags.count; i++) {
        const struct desc *d = &r->descs.item[i];
        size_t number;
        if (!d->media_type)
            continue;
        if (digestset_add(&seen, &d->digest, &number)) {
            MEM_PUSH(r->images->item, r->images->count, r->images->room, (struct image){0});
            desc_copy(&r->images->item[number].desc, d);
        }
        strlist_add(&r->images->item[number].tags, r->tags.item[i]);
    }
}

static struct err *read_manifest(struct reading *r, const struct desc *d, struct manifest *out)
{
    AUTO_VALUE(buf_wipe) struct buf bytes = BUF(MANIFEST_SIZE_MAX);
    TRY(store_read(r->store, d, &bytes));
    return manifest_parse(out, buf_text(&bytes), bytes.len, d->media_type, "manifest");
}

static struct err *read_index(struct reading *r, struct image *image, const struct manifest *m,
                              unsigned depth)
{
    for (size_t i = 0; i < m->manifests.count; i++) {
        const struct desc *child = &m->manifests.item[i];
        AUTO_VALUE(manifest_wipe) struct manifest below = {0};
        if (!digestset_add(&image->needs, &child->digest, NULL) ||
            mediatype_kind_of(child->media_type) != MEDIATYPE_INDEX)
            continue;
        if (depth == DEPTH_MAX || image->needs.count > NEEDS_MAX)
            return err_new(ERR_RESOURCE, "it holds too much");
        TRY(read_manifest(r, child, &below));
        TRY(read_index(r, image, &below, depth + 1));
    }
    return NULL;
}

static void note_age(struct image *image, const char *text)
{
    image->has_age = text && config_time_parse(text, &image->created);
}

static struct err *read_config(struct reading *r, struct image *image, const struct manifest *m)
{
    AUTO_VALUE(buf_wipe) struct buf bytes = BUF(CONFIG_SIZE_MAX);
    AUTO(json_decref) json_t *config = NULL;
    const char *created = NULL;
    if (mediatype_kind_of(m->config.media_type) != MEDIATYPE_CONFIG) {
        note_age(image, strmap_get(&m->annotations, CREATED));
        return NULL;
    }
    TRY(store_read(r->store, &m->config, &bytes));
    TRY(json_parse(&config, buf_text(&bytes), bytes.len, "config"));
    TRY(json_get_str(config, "created", "config", &created));
    note_age(image, created);
    return NULL;
}

/* Of an index, that of the first image in it: they are built together. */
static struct err *read_age(struct reading *r, struct image *image, const struct manifest *m, unsigned depth)
{
    AUTO_VALUE(manifest_wipe) struct manifest below = {0};
    if (mediatype_kind_of(m->media_type) != MEDIATYPE_INDEX)
        return read_config(r, image, m);
    for (size_t i = 0; i < m->manifests.count && depth < DEPTH_MAX; i++) {
        const struct desc *child = &m->manifests.item[i];
        if (!mediatype_is_manifest(child->media_type) || str_eq(child->platform.os, "unknown"))
            continue;
        TRY(read_manifest(r, child, &below));
        return read_age(r, image, &below, depth + 1);
    }
    return NULL;
}

static bool wants_age(const struct reading *r, const struct image *image)
{
    struct digest subject;
    for (size_t i = 0; r->wish->ages && i < image->tags.count; i++)
        if (!fallback_is_tag(image->tags.item[i], &subject) &&
            retention_matches(r->wish->ages, image->tags.item[i]))
            return true;
    return false;
}

/* What has no age that can be read has none; but the network must not decide that. */
static struct err *try_age(struct reading *r, struct image *image, const struct manifest *m)
{
    struct err *e = read_age(r, image, m, 0);
    if (e && (err_kind_of(e) == ERR_NETWORK || err_kind_of(e) == ERR_DENIED || err_kind_of(e) == ERR_STOPPED))
        return e;
    err_free(e);
    return NULL;
}

static struct err *read_image(struct reading *r, struct image *image)
{
    AUTO_VALUE(manifest_wipe) struct manifest m = {0};
    bool index = mediatype_kind_of(image->desc.media_type) == MEDIATYPE_INDEX;
    if (!index && !r->wish->subjects)
        return NULL;
    struct err *e = read_manifest(r, &image->desc, &m);
    if (e && !index && (err_kind_of(e) == ERR_UNSUPPORTED || err_kind_of(e) == ERR_INPUT)) {
        err_free(e); /* it is not for lade to read, but holds no other image either */
        return NULL;
    }
    TRY(e);
    if (index)
        TRY(read_index(r, image, &m, 0));
    if (m.subject.media_type)
        digestset_add(&image->needs, &m.subject.digest, NULL);
    return wants_age(r, image) ? try_age(r, image, &m) : NULL;
}

static struct err *read_one(void *ctx, size_t i)
{
    struct reading *r = ctx;
    struct image *image = &r->images->item[i];
    return err_wrap(read_image(r, image), "tag %s", image->tags.item[0]);
}

struct err *inventory_read(struct images *out, struct registry *registry, const struct ref *repository,
                           const struct inventory_wish *wish)
{
    AUTO_VALUE(reading_wipe) struct reading r = {.wish = wish, .images = out};
    TRY(registry_repo(registry, repository, false, &r.repo));
    TRY(registry_repository(registry, repository, false, &r.store));
    TRY(names_tags(&r.repo, &r.tags));
    for (size_t i = 0; i < r.tags.count; i++)
        desclist_add(&r.descs);
    TRY(pool_each(REQUESTS, r.tags.count, resolve, &r));
    group(&r);
    return pool_each(REQUESTS, out->count, read_one, &r);
}
