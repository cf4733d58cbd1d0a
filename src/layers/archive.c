/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/archive.h"

#include "base/json.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/stop.h"
#include "image/digestset.h"
#include "image/manifest.h"
#include "image/mediatype.h"
#include "image/ref.h"
#include "layers/archive_inner.h"
#include "layers/tarwrite.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

struct archive_tag {
    char *name; /* NULL: none */
    struct desc desc;
};

struct kept_manifest {
    struct digest digest;
    char *media_type;
    char *data;
    size_t len;
};

struct archive {
    struct store store;
    struct sink *to;
    enum archive_kind kind;
    char *name;
    struct lock *lock; /* over all below */
    bool broken;       /* a blob was not written whole */
    struct digestset written;
    bool directory[DIGEST_SHA512 + 1]; /* of this algorithm was written; DIGEST_NONE: "blobs/" */
    struct archive_tag *tag;
    size_t tag_count, tag_room;
    struct kept_manifest *manifest; /* ARCHIVE_DOCKER */
    size_t manifest_count, manifest_room;
};

static char *blob_path(const struct digest *d)
{
    char hex[DIGEST_TEXT];
    return mem_printf("blobs/%s/%s", digest_alg_name(d), digest_hex(d, hex));
}

static struct err *archive_has(struct store *s, const struct desc *d, bool *yes)
{
    struct archive *a = (struct archive *)s;
    AUTO(lock_release) struct lock *held = lock_hold(a->lock);

    *yes = digestset_has(&a->written, &d->digest);
    return NULL;
}

static struct err *archive_get(struct store *s, const struct desc *d, struct source **out)
{
    (void)d;
    (void)out;
    return err_new(ERR_UNSUPPORTED, "%s is being written and cannot be read", store_name(s));
}

static struct err *archive_resolve(struct store *s, const char *tag, struct desc *out, bool *found)
{
    (void)tag;
    (void)out;
    (void)found;
    return err_new(ERR_UNSUPPORTED, "%s is being written and cannot be read", store_name(s));
}

/* All of `from` to the archive; exactly what `d` promises. A copy goes to `keep` (may be NULL). */
static struct err *copy_blob(struct archive *a, const struct desc *d, struct source *from, struct buf *keep)
{
    AUTO(hash_free) struct hash *hash = hash_new(d->digest.alg);
    char text[DIGEST_SHORT], found_text[DIGEST_TEXT];
    uint64_t size = 0;

    for (;;) {
        const uint8_t *data;
        size_t len;
        TRY(stop_check());
        TRY(source_peek(from, &data, &len));
        if (len == 0 || len > d->size - size) {
            size += len;
            break;
        }
        hash_add(hash, data, len);
        TRY(sink_write(a->to, data, len));
        if (keep)
            buf_add(keep, data, len);
        size += len;
        source_advance(from, len);
    }
    if (size != d->size)
        return err_new(ERR_INTEGRITY, "%s has %s bytes than the promised %" PRIu64,
                       digest_short(&d->digest, text), size < d->size ? "fewer" : "more", d->size);
    struct digest found = hash_value(hash);
    if (!digest_equal(&found, &d->digest))
        return err_new(ERR_INTEGRITY, "%s: the bytes have digest %s", digest_short(&d->digest, text),
                       digest_text(&found, found_text));
    return NULL;
}

/* Readers who are not root fail where they have to make directories that the archive does not have: skopeo
 * gives those to root. */
static struct err *write_directories(struct archive *a, const struct digest *d)
{
    AUTO(mem_free) char *path = mem_printf("blobs/%s/", digest_alg_name(d));

    if (!a->directory[DIGEST_NONE])
        TRY(tarwrite_directory(a->to, "blobs/"));
    a->directory[DIGEST_NONE] = true;
    if (!a->directory[d->alg])
        TRY(tarwrite_directory(a->to, path));
    a->directory[d->alg] = true;
    return NULL;
}

static struct err *write_blob(struct archive *a, const struct desc *d, struct source *from)
{
    AUTO(mem_free) char *path = blob_path(&d->digest);
    AUTO_VALUE(buf_wipe) struct buf bytes = BUF(MANIFEST_SIZE_MAX);
    bool keep = a->kind == ARCHIVE_DOCKER && mediatype_is_manifest(d->media_type);

    TRY(write_directories(a, &d->digest));
    TRY(tarwrite_file_header(a->to, path, d->size));
    TRY(copy_blob(a, d, from, keep ? &bytes : NULL));
    TRY(tarwrite_padding(a->to, d->size));
    if (keep) {
        TRY(buf_check(&bytes, path));
        size_t len = bytes.len;
        MEM_PUSH(a->manifest, a->manifest_count, a->manifest_room,
                 (struct kept_manifest){.digest = d->digest,
                                        .media_type = mem_strdup(d->media_type),
                                        .data = buf_take(&bytes),
                                        .len = len});
    }
    (void)digestset_add(&a->written, &d->digest, NULL);
    return NULL;
}

static struct err *archive_put(struct store *s, const struct desc *d, struct source *from)
{
    struct archive *a = (struct archive *)s;
    AUTO(lock_release) struct lock *held = lock_hold(a->lock);

    if (digestset_has(&a->written, &d->digest))
        return NULL;
    if (a->broken)
        return err_new(ERR_INTERNAL, "%s: an earlier blob was not written", a->name);
    /* What is in the stream cannot be taken back. */
    a->broken = true;
    TRY(err_wrap(write_blob(a, d, from), "%s", a->name));
    a->broken = false;
    return NULL;
}

static struct err *archive_tag_image(struct store *s, const char *name, const struct desc *d)
{
    struct archive *a = (struct archive *)s;
    AUTO(lock_release) struct lock *held = lock_hold(a->lock);

    assert(digestset_has(&a->written, &d->digest));
    MEM_PUSH(a->tag, a->tag_count, a->tag_room, (struct archive_tag){.name = mem_strdup(name)});
    desc_copy(&a->tag[a->tag_count - 1].desc, d);
    return NULL;
}

static const char *archive_name(const struct store *s)
{
    return ((const struct archive *)s)->name;
}

static void archive_free(struct store *s)
{
    struct archive *a = (struct archive *)s;

    for (size_t i = 0; i < a->tag_count; i++) {
        mem_free(a->tag[i].name);
        desc_wipe(&a->tag[i].desc);
    }
    mem_free(a->tag);
    for (size_t i = 0; i < a->manifest_count; i++) {
        mem_free(a->manifest[i].media_type);
        mem_free(a->manifest[i].data);
    }
    mem_free(a->manifest);
    digestset_wipe(&a->written);
    lock_free(a->lock);
    sink_free(a->to);
    mem_free(a->name);
    mem_free(a);
}

static const struct store_ops archive_ops = {
    .has = archive_has,
    .get = archive_get,
    .put = archive_put,
    .resolve = archive_resolve,
    .tag = archive_tag_image,
    .name = archive_name,
    .free = archive_free,
};

struct err *archive_create(struct store **out, struct sink *to, enum archive_kind kind, const char *name)
{
    struct archive *a = mem_zero(1, sizeof *a);

    a->store.ops = &archive_ops;
    a->to = to;
    a->kind = kind;
    a->name = mem_strdup(name);
    a->lock = lock_new();
    *out = &a->store;
    return NULL;
}

/* Of the names that buildx gives an image in index.json: the full reference and, as the specification has it,
 * the tag. */
static struct err *set_names(const struct archive *a, const struct archive_tag *t, struct desc *named)
{
    AUTO_VALUE(ref_wipe) struct ref ref = {0};

    if (!t->name)
        return NULL;
    if (a->kind == ARCHIVE_OCI) {
        strmap_set(&named->annotations, ARCHIVE_REF_NAME, t->name);
        return NULL;
    }
    TRY(ref_parse(&ref, t->name));
    AUTO(mem_free) char *full = ref_text(&ref);
    strmap_set(&named->annotations, ARCHIVE_CONTAINERD_NAME, full);
    if (ref.tag)
        strmap_set(&named->annotations, ARCHIVE_REF_NAME, ref.tag);
    return NULL;
}

static struct err *write_text(struct archive *a, const char *path, const char *text)
{
    size_t len = strlen(text);

    TRY(tarwrite_file_header(a->to, path, len));
    TRY(sink_write(a->to, text, len));
    return tarwrite_padding(a->to, len);
}

static struct err *write_index(struct archive *a)
{
    AUTO_VALUE(manifest_wipe) struct manifest index = {0};

    for (size_t i = 0; i < a->tag_count; i++) {
        struct desc *named = desclist_add(&index.manifests);
        desc_copy(named, &a->tag[i].desc);
        TRY(set_names(a, &a->tag[i], named));
    }
    AUTO(mem_free) char *text = manifest_index_bytes(&index);
    return write_text(a, ARCHIVE_INDEX, text);
}

static struct err *find_manifest(const struct archive *a, const struct desc *d, struct manifest *out)
{
    char text[DIGEST_SHORT];

    for (size_t i = 0; i < a->manifest_count; i++) {
        const struct kept_manifest *m = &a->manifest[i];
        if (digest_equal(&m->digest, &d->digest))
            return manifest_parse(out, m->data, m->len, m->media_type, digest_short(&d->digest, text));
    }
    return err_new(ERR_INTERNAL, "%s is no manifest", digest_short(&d->digest, text));
}

static struct err *blob_of_image(const struct archive *a, const struct desc *d, char **path)
{
    char text[DIGEST_SHORT];

    if (!digestset_has(&a->written, &d->digest))
        return err_new(ERR_UNSUPPORTED, "blob %s may not be distributed, and docker load needs it",
                       digest_short(&d->digest, text));
    *path = blob_path(&d->digest);
    return NULL;
}

static struct err *describe_image(const struct archive *a, const struct desc *d, json_t *item)
{
    AUTO_VALUE(manifest_wipe) struct manifest m = {0};
    AUTO(mem_free) char *config = NULL;
    AUTO_VALUE(strlist_wipe) struct strlist layers = {0}, names = {0};

    TRY(find_manifest(a, d, &m));
    if (!m.config.media_type)
        return err_hint(err_new(ERR_UNSUPPORTED, "docker load takes one image, not an index of several"),
                        "choose a platform, or write an OCI archive");
    TRY(blob_of_image(a, &m.config, &config));
    for (size_t i = 0; i < m.layers.count; i++) {
        char *path = NULL;
        TRY(blob_of_image(a, &m.layers.item[i], &path));
        strlist_add_take(&layers, path);
    }
    for (size_t i = 0; i < a->tag_count; i++) {
        AUTO_VALUE(ref_wipe) struct ref ref = {0};
        if (!a->tag[i].name || !digest_equal(&a->tag[i].desc.digest, &d->digest))
            continue;
        TRY(ref_parse(&ref, a->tag[i].name));
        AUTO(mem_free) char *name = ref_familiar(&ref);
        if (!strlist_has(&names, name))
            strlist_add(&names, name);
    }
    json_put(item, "Config", json_new_str(config));
    json_put(item, "RepoTags", json_new_strlist(&names));
    json_put(item, "Layers", json_new_strlist(&layers));
    return NULL;
}

/* What docker load reads: one item for each image, with all its names. */
static struct err *write_docker_manifest(struct archive *a)
{
    AUTO(json_decref) json_t *list = json_array();
    AUTO_VALUE(digestset_wipe) struct digestset seen = {0};

    for (size_t i = 0; i < a->tag_count; i++) {
        if (!digestset_add(&seen, &a->tag[i].desc.digest, NULL))
            continue;
        json_t *item = json_object();
        json_push(list, item);
        TRY(describe_image(a, &a->tag[i].desc, item));
    }
    AUTO(mem_free) char *text = json_text(list);
    return write_text(a, ARCHIVE_DOCKER_MANIFEST, text);
}

static struct err *write_end(struct archive *a)
{
    TRY(write_index(a));
    if (a->kind == ARCHIVE_DOCKER)
        TRY(write_docker_manifest(a));
    TRY(write_text(a, ARCHIVE_LAYOUT, "{\"imageLayoutVersion\":\"1.0.0\"}"));
    TRY(tarwrite_end(a->to));
    return sink_commit(a->to);
}

struct err *archive_commit(struct store *archive)
{
    struct archive *a = (struct archive *)archive;
    AUTO(lock_release) struct lock *held = lock_hold(a->lock);

    assert(archive->ops == &archive_ops);
    if (a->broken)
        return err_new(ERR_INTERNAL, "%s: a blob was not written", a->name);
    return err_wrap(write_end(a), "%s", a->name);
}
