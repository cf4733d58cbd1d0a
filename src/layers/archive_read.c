/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/archive.h"

#include "base/json.h"
#include "base/mem.h"
#include "image/config.h"
#include "image/layout.h"
#include "image/manifest.h"
#include "image/mediatype.h"
#include "image/ref.h"
#include "layers/archive_inner.h"
#include "layers/archive_oci.h"
#include "layers/reader.h"
#include "layers/tarread.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES_MAX 100000
#define IMAGE_BYTES_MAX (UINT64_C(256) << 30)
#define TEXTS_MAX (UINT64_C(64) << 20) /* of all JSON files together, which are held in memory */
#define IMAGES_MAX 1000

/* A file of the archive: a JSON text in memory, or a blob that is in the layout. */
struct member {
    uint32_t entry;
    char *text;
    size_t len;
    struct desc desc; /* for blobs; the media type is that of a layer, by its first bytes */
};

struct import {
    struct store *layout;
    struct strlist *names;
    struct tree *tree;
    struct member *member; /* by entry */
    size_t count, room;
    uint64_t texts;
};

static void import_wipe(struct import *im)
{
    for (size_t i = 0; i < im->count; i++) {
        mem_free(im->member[i].text);
        desc_wipe(&im->member[i].desc);
    }
    mem_free(im->member);
    tree_free(im->tree);
}

/* Taking the members in as they come. */

static struct member *new_member(struct import *im, uint32_t entry)
{
    MEM_PUSH(im->member, im->count, im->room, (struct member){.entry = entry});
    return &im->member[im->count - 1];
}

/* The digest that a path in an OCI layout says: blobs/ALGORITHM/HEX. */
static bool path_digest(const char *path, struct digest *out)
{
    if (!str_starts(path, "blobs/"))
        return false;
    AUTO(mem_free) char *text = mem_strdup(path + strlen("blobs/"));
    char *slash = strchr(text, '/');
    if (!slash)
        return false;
    *slash = ':';
    struct err *e = digest_parse(out, text);
    bool good = !e;
    err_free(e);
    return good;
}

static const char *layer_type(const uint8_t *head, size_t len)
{
    if (len >= 2 && memcmp(head, "\x1f\x8b", 2) == 0)
        return MEDIATYPE_OCI_LAYER_GZIP;
    if (len >= 4 && memcmp(head, "\x28\xb5\x2f\xfd", 4) == 0)
        return MEDIATYPE_OCI_LAYER_ZSTD;
    return MEDIATYPE_OCI_LAYER;
}

/* A blob whose digest its path does not say. It may be a layer; if nothing names it, it is left for the next
 * sweep. */
static struct err *take_unnamed(struct import *im, struct member *m, struct source *bytes)
{
    AUTO(sink_free) struct sink *blob = NULL;
    uint8_t head[4];
    size_t len;

    TRY(layout_blob_new(im->layout, &blob));
    TRY(source_read(bytes, head, sizeof head, &len));
    TRY(sink_write(blob, head, len));
    TRY(io_copy(blob, bytes, NULL));
    m->desc.media_type = mem_strdup(layer_type(head, len));
    return layout_blob_done(im->layout, blob, &m->desc);
}

static struct err *take_text(struct import *im, struct member *m, struct source *bytes, const char *path)
{
    AUTO_VALUE(buf_wipe) struct buf text = BUF(MANIFEST_SIZE_MAX);

    TRY(source_read_all(bytes, &text, path));
    im->texts += text.len;
    if (im->texts > TEXTS_MAX)
        return err_new(ERR_RESOURCE, "its JSON files have more than %" PRIu64 " bytes", TEXTS_MAX);
    m->len = text.len;
    m->text = buf_take(&text);
    return NULL;
}

static struct err *take_member(void *ctx, uint32_t entry, struct node *n, struct source *bytes)
{
    struct import *im = ctx;
    AUTO(mem_free) char *path = node_path(n);
    AUTO(mem_free) char *shown = str_safe(path);
    struct digest digest;

    if (n->size == 0 || strcmp(n->name, "VERSION") == 0 || strcmp(n->name, "json") == 0)
        return NULL;
    struct member *m = new_member(im, entry);
    if (path_digest(path, &digest)) {
        desc_set(&m->desc, MEDIATYPE_OCI_LAYER, &digest, n->size);
        return store_put(im->layout, &m->desc, bytes);
    }
    if (str_ends(path, ".json") || strcmp(path, ARCHIVE_LAYOUT) == 0 || strcmp(path, "repositories") == 0)
        return take_text(im, m, bytes, shown);
    return take_unnamed(im, m, bytes);
}

/* Finding them again, by path; links are followed within the archive. */

static int by_entry(const void *key, const void *member)
{
    uint32_t entry = *(const uint32_t *)key;
    const struct member *m = member;
    return entry < m->entry ? -1 : entry > m->entry;
}

static struct err *find(struct import *im, const char *path, struct member **out)
{
    struct node *n;

    *out = NULL;
    TRY(tree_lookup(im->tree, path, true, &n));
    if (n && n->type == NODE_FILE && n->content.kind == CONTENT_LAYER)
        *out = bsearch(&n->content.entry, im->member, im->count, sizeof **out, by_entry);
    return NULL;
}

static struct err *find_text(struct import *im, const char *path, struct member **out)
{
    TRY(find(im, path, out));
    if (*out && !(*out)->text)
        *out = NULL;
    return NULL;
}

static struct err *need(struct import *im, const char *path, struct member **out)
{
    TRY(find(im, path, out));
    if (*out)
        return NULL;
    AUTO(mem_free) char *shown = str_safe(path);
    return err_new(ERR_INPUT, ARCHIVE_DOCKER_MANIFEST " names %s, which is not in the archive", shown);
}

/* Docker's form. */

static struct err *hash_plain(struct import *im, const struct desc *layer, const struct digest *diff_id,
                              struct digest *out)
{
    AUTO(source_free) struct source *plain = NULL;
    AUTO(hash_free) struct hash *hash = hash_new(diff_id->alg);
    struct source *packed;
    char text[DIGEST_SHORT];

    digest_short(&layer->digest, text);
    TRY(store_get(im->layout, layer, &packed));
    TRY(err_wrap(reader_plain(&plain, packed, reader_packing_of(layer->media_type)), "%s", text));
    for (;;) {
        const uint8_t *data;
        size_t len;
        TRY(err_wrap(source_peek(plain, &data, &len), "%s", text));
        if (len == 0)
            break;
        hash_add(hash, data, len);
        source_advance(plain, len);
    }
    *out = hash_value(hash);
    return NULL;
}

static struct err *check_layer(struct import *im, const char *path, const struct desc *layer,
                               const struct digest *diff_id)
{
    struct digest found = layer->digest;
    char found_text[DIGEST_TEXT], want_text[DIGEST_TEXT];

    if (mediatype_compression_of(layer->media_type) != COMPRESSION_NONE || found.alg != diff_id->alg)
        TRY(hash_plain(im, layer, diff_id, &found));
    if (digest_equal(&found, diff_id))
        return NULL;
    AUTO(mem_free) char *shown = str_safe(path);
    return err_new(ERR_INTEGRITY, "%s: its plain bytes have the digest %s, the image's config says %s", shown,
                   digest_text(&found, found_text), digest_text(diff_id, want_text));
}

/* A file called by its own digest must have it. */
static struct err *check_config_name(const char *path, const struct digest *digest)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    char hex[DIGEST_TEXT];
    size_t len = strspn(name, "0123456789abcdef");

    if (len != 64 || strcmp(name + len, ".json") != 0 || strncmp(name, digest_hex(digest, hex), len) == 0)
        return NULL;
    return err_new(ERR_INTEGRITY, "the config %s has the digest %s", name, hex);
}

static struct err *take_config(struct import *im, const char *path, struct config *config, struct desc *desc)
{
    AUTO_VALUE(buf_wipe) struct buf bytes = BUF(CONFIG_SIZE_MAX);
    AUTO(mem_free) char *shown = str_safe(path);
    struct member *m;

    TRY(need(im, path, &m));
    if (m->text)
        buf_add(&bytes, m->text, m->len);
    else
        TRY(store_read(im->layout, &m->desc, &bytes));
    TRY(buf_check(&bytes, shown));
    TRY(config_parse(config, buf_text(&bytes), bytes.len, shown));
    TRY(store_write(im->layout, MEDIATYPE_OCI_CONFIG, buf_text(&bytes), bytes.len, desc));
    return check_config_name(path, &desc->digest);
}

static struct err *take_layers(struct import *im, const struct strlist *paths, const struct config *config,
                               struct desclist *out)
{
    if (paths->count != config->diff_id_count)
        return err_new(ERR_INPUT, "an image has %zu layers, but its config has %zu diff IDs", paths->count,
                       config->diff_id_count);
    for (size_t i = 0; i < paths->count; i++) {
        struct member *m;
        TRY(need(im, paths->item[i], &m));
        if (m->text)
            return err_new(ERR_INPUT, "layer %zu of an image is a JSON file", i);
        /* Only its first bytes say what a blob with its digest for a name is. */
        AUTO(source_free) struct source *s = NULL;
        uint8_t head[4];
        size_t len;
        TRY(store_get(im->layout, &m->desc, &s));
        TRY(source_read(s, head, sizeof head, &len));
        struct desc *layer = desclist_add(out);
        desc_set(layer, layer_type(head, len), &m->desc.digest, m->desc.size);
        TRY(check_layer(im, paths->item[i], layer, &config->diff_ids[i]));
    }
    return NULL;
}

static struct err *import_docker_image(struct import *im, const json_t *item)
{
    static const char what[] = ARCHIVE_DOCKER_MANIFEST;
    AUTO_VALUE(strlist_wipe) struct strlist paths = {0}, tags = {0};
    AUTO_VALUE(config_wipe) struct config config = {0};
    AUTO_VALUE(manifest_wipe) struct manifest m = {0};
    AUTO_VALUE(desc_wipe) struct desc root = {0};
    const char *config_path = NULL;

    TRY(json_get_str(item, "Config", what, &config_path));
    TRY(json_get_strlist(item, "RepoTags", what, &tags));
    TRY(json_get_strlist(item, "Layers", what, &paths));
    if (!config_path)
        return err_new(ERR_INPUT, "%s: an image has no key Config", what);
    TRY(take_config(im, config_path, &config, &m.config));
    TRY(take_layers(im, &paths, &config, &m.layers));
    AUTO(mem_free) char *bytes = manifest_bytes(&m);
    TRY(store_write(im->layout, MEDIATYPE_OCI_MANIFEST, bytes, strlen(bytes), &root));
    root.platform = config.platform;
    if (tags.count == 0)
        return archive_oci_name(im->layout, &root, NULL, true, im->names);
    for (size_t i = 0; i < tags.count; i++)
        TRY(archive_oci_name(im->layout, &root, tags.item[i], true, im->names));
    return NULL;
}

static struct err *import_docker(struct import *im, const struct member *manifest)
{
    AUTO(json_decref) json_t *list = NULL;
    const json_t *item;
    size_t i;

    TRY(json_parse(&list, manifest->text, manifest->len, ARCHIVE_DOCKER_MANIFEST));
    if (!json_is_array(list) || json_array_size(list) == 0)
        return err_new(ERR_INPUT, ARCHIVE_DOCKER_MANIFEST ": expected a list of images");
    if (json_array_size(list) > IMAGES_MAX)
        return err_new(ERR_RESOURCE, ARCHIVE_DOCKER_MANIFEST " has more than %d images", IMAGES_MAX);
    json_array_foreach (list, i, item)
        TRY(import_docker_image(im, item));
    return NULL;
}

static struct err *import_all(struct import *im)
{
    struct member *index, *manifest, *version, *old;

    TRY(find_text(im, ARCHIVE_INDEX, &index));
    TRY(find_text(im, ARCHIVE_LAYOUT, &version));
    if (index && version)
        return archive_oci_import(im->layout, index->text, index->len, im->names);
    TRY(find_text(im, ARCHIVE_DOCKER_MANIFEST, &manifest));
    if (manifest)
        return import_docker(im, manifest);
    TRY(find_text(im, "repositories", &old));
    if (old)
        return err_new(ERR_UNSUPPORTED, "an archive of docker before 1.10 is not supported");
    return err_new(ERR_INPUT,
                   "neither an OCI archive (" ARCHIVE_LAYOUT ", " ARCHIVE_INDEX ") nor a docker archive "
                   "(" ARCHIVE_DOCKER_MANIFEST ")");
}

struct err *archive_import(struct store *layout, struct source *from, const char *name, struct strlist *names)
{
    AUTO_VALUE(import_wipe) struct import im = {.layout = layout, .names = names};
    struct tarlimits limits = TARLIMITS;
    const struct tarread_options options = {
        .what = name, .any_compression = true, .file = take_member, .ctx = &im, .limits = &limits};

    limits.bytes = IMAGE_BYTES_MAX;
    limits.entries = ENTRIES_MAX;
    strlist_wipe(names);
    TRY(tarread_tree(&im.tree, from, &options));
    return err_wrap(import_all(&im), "%s", name);
}
