/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/base.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "image/layout.h"
#include "image/manifest.h"
#include "image/mediatype.h"
#include "image/ref.h"

/* A manifest or config: from what is kept, else from `from`, and then kept. */
static struct err *read_kept(const struct base_options *o, struct store *from, const struct desc *d,
                             struct buf *out)
{
    bool kept = false;
    if (o->kept)
        TRY(store_has(o->kept, d, &kept));
    if (kept)
        return store_read(o->kept, d, out);
    TRY(store_read(from, d, out));
    if (!o->kept)
        return NULL;
    struct source *bytes = source_mem(out->data, out->len);
    struct err *e = store_put(o->kept, d, bytes);
    source_free(bytes);
    return e;
}

static struct err *read_manifest(const struct base_options *o, struct store *from, const struct desc *d,
                                 struct manifest *out)
{
    AUTO_VALUE(buf_wipe) struct buf bytes = BUF(MANIFEST_SIZE_MAX);
    char digest[DIGEST_SHORT];
    TRY(read_kept(o, from, d, &bytes));
    return manifest_parse(out, bytes.data, bytes.len, d->media_type, digest_short(&d->digest, digest));
}

/* The manifest for the platform: `root` itself, or the index's child. */
static struct err *choose(const struct base_options *o, struct store *from, const struct desc *root,
                          const struct platform *platform, struct manifest *out)
{
    TRY(read_manifest(o, from, root, out));
    if (mediatype_kind_of(out->media_type) != MEDIATYPE_INDEX)
        return NULL;
    const struct desc *child = NULL;
    TRY(manifest_choose(out, platform, "the image", &child));
    AUTO_VALUE(desc_wipe) struct desc chosen = {0};
    desc_copy(&chosen, child);
    manifest_wipe(out);
    TRY(read_manifest(o, from, &chosen, out));
    if (mediatype_kind_of(out->media_type) == MEDIATYPE_INDEX)
        return err_new(ERR_INPUT, "an index inside an index has no image for a platform");
    return NULL;
}

static struct err *load(struct base_image *out, const struct base_options *o, struct store *from,
                        const struct desc *root, const struct platform *platform)
{
    AUTO_VALUE(manifest_wipe) struct manifest m = {0};
    TRY(choose(o, from, root, platform, &m));
    if (mediatype_kind_of(m.config.media_type) != MEDIATYPE_CONFIG)
        return err_new(ERR_INPUT, "it is no container image: its config has media type %s",
                       m.config.media_type ? m.config.media_type : "(none)");
    AUTO_VALUE(buf_wipe) struct buf bytes = BUF(CONFIG_SIZE_MAX);
    TRY(read_kept(o, from, &m.config, &bytes));
    TRY(config_parse(&out->config, bytes.data, bytes.len, "its config"));
    if (out->config.diff_id_count != m.layers.count)
        return err_new(ERR_INPUT, "its config names %zu layers and its manifest %zu",
                       out->config.diff_id_count, m.layers.count);
    for (size_t i = 0; i < m.layers.count; i++)
        if (mediatype_kind_of(m.layers.item[i].media_type) != MEDIATYPE_LAYER)
            return err_new(ERR_UNSUPPORTED, "layer %zu has media type %s, which is no tar layer", i,
                           m.layers.item[i].media_type);
    desclist_copy(&out->layers, &m.layers);
    out->digest = root->digest;
    return NULL;
}

static struct err *find_local(struct base_image *out, const struct base_options *o, const char *name,
                              const struct platform *platform, bool *found)
{
    AUTO_VALUE(desc_wipe) struct desc root = {0};
    TRY(store_resolve(o->local, name, &root, found));
    if (!*found)
        return NULL;
    TRY(load(out, o, o->local, &root, platform));
    out->name = mem_strdup(name);
    return NULL;
}

/* What a digest names does not change: when all of it is kept, and was had from there, nobody is asked. Of
 * another repository nobody knows whether it has the layers. */
static struct err *find_kept(struct base_image *out, const struct base_options *o, const struct ref *ref,
                             const struct platform *platform, bool *found)
{
    AUTO_VALUE(desc_wipe) struct desc root = {0};
    char digest[DIGEST_TEXT];
    *found = false;
    if (!o->kept || o->pull || !digest_is_set(&ref->digest))
        return NULL;
    struct err *e = store_resolve(o->kept, digest_text(&ref->digest, digest), &root, found);
    AUTO(mem_free) char *from = !e && *found ? store_origin(o->kept, &root) : NULL;
    AUTO(mem_free) char *name = ref_name(ref);
    *found = *found && str_eq(from, name);
    if (!e && *found)
        e = load(out, o, o->kept, &root, platform);
    *found = *found && !e;
    if (e)
        base_wipe(out);
    if (e && err_kind_of(e) == ERR_STOPPED)
        return e;
    err_free(e);
    return NULL;
}

static struct err *find_remote(struct base_image *out, const struct base_options *o, const struct ref *ref,
                               const struct platform *platform)
{
    AUTO_VALUE(desc_wipe) struct desc root = {0};
    AUTO(store_free) struct store *repository = NULL;
    bool kept = false;
    AUTO(mem_free) char *origin = ref_name(ref);
    TRY(registry_source(o->registry, ref, &repository)); /* it may be blocked */
    TRY(find_kept(out, o, ref, platform, &kept));
    if (!kept) {
        store_free(TAKE(repository));
        TRY(registry_open(o->registry, ref, &repository, &root));
        TRY(load(out, o, repository, &root, platform));
    }
    if (!kept && o->kept)
        TRY(layout_set_origin(o->kept, &root, origin));
    AUTO_VALUE(ref_wipe) struct ref named = {0};
    ref_copy(&named, ref);
    named.digest = kept ? ref->digest : root.digest;
    out->name = ref_text(&named);
    out->origin = TAKE(origin);
    return NULL;
}

struct err *base_find(struct base_image *out, const struct base_options *o, const char *name,
                      const struct platform *platform)
{
    AUTO_VALUE(ref_wipe) struct ref ref = {0};
    TRY(ref_parse(&ref, name));
    AUTO(mem_free) char *full = ref_text(&ref);
    AUTO(mem_free) char *shown = ref_familiar(&ref);
    bool found = false;
    if (!o->pull)
        TRY(err_wrap(find_local(out, o, full, platform, &found), "base image %s", shown));
    if (!found)
        TRY(err_wrap(find_remote(out, o, &ref, platform), "base image %s", shown));
    return NULL;
}

void base_scratch(struct base_image *out, const struct platform *platform)
{
    out->config.platform = *platform;
    out->config.workdir = mem_strdup("/");
}

void base_wipe(struct base_image *image)
{
    free(image->name);
    free(image->origin);
    config_wipe(&image->config);
    desclist_wipe(&image->layers);
    *image = (struct base_image){0};
}
