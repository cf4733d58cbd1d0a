/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/archive_oci.h"

#include "base/json.h"
#include "base/mem.h"
#include "image/digestset.h"
#include "image/manifest.h"
#include "image/mediatype.h"
#include "image/ref.h"
#include "layers/archive_inner.h"

#include <string.h>

#define DEPTH_MAX 8
#define BLOBS_MAX 10000
#define NAME_MAX_BYTES 1024

struct check {
    struct store *layout;
    struct digestset seen;
};

static struct err *need_blob(struct check *c, const struct desc *d)
{
    char text[DIGEST_SHORT];
    bool there;

    if (mediatype_is_foreign(d->media_type) || !digestset_add(&c->seen, &d->digest, NULL))
        return NULL;
    if (c->seen.count > BLOBS_MAX)
        return err_new(ERR_RESOURCE, "its images have more than %d blobs", BLOBS_MAX);
    TRY(store_has(c->layout, d, &there));
    if (!there)
        return err_new(ERR_INPUT, "blob %s is missing", digest_short(&d->digest, text));
    return NULL;
}

static struct err *check_graph(struct check *c, const struct desc *d, unsigned depth);

static struct err *check_children(struct check *c, const struct manifest *m, unsigned depth)
{
    size_t there_count = 0;

    for (size_t i = 0; i < m->manifests.count; i++) {
        const struct desc *child = &m->manifests.item[i];
        bool there;
        TRY(store_has(c->layout, child, &there));
        if (!there)
            continue;
        there_count++;
        TRY(mediatype_is_manifest(child->media_type) ? check_graph(c, child, depth + 1)
                                                     : need_blob(c, child));
    }
    if (m->manifests.count > 0 && there_count == 0)
        return err_new(ERR_INPUT, "none of an index's images is there");
    return NULL;
}

static struct err *check_graph(struct check *c, const struct desc *d, unsigned depth)
{
    AUTO_VALUE(buf_wipe) struct buf bytes = BUF(MANIFEST_SIZE_MAX);
    AUTO_VALUE(manifest_wipe) struct manifest m = {0};
    char text[DIGEST_SHORT];

    if (depth > DEPTH_MAX)
        return err_new(ERR_RESOURCE, "its indexes are nested deeper than %d levels", DEPTH_MAX);
    if (digestset_has(&c->seen, &d->digest))
        return NULL;
    TRY(need_blob(c, d));
    TRY(store_read(c->layout, d, &bytes));
    TRY(manifest_parse(&m, buf_text(&bytes), bytes.len, d->media_type, digest_short(&d->digest, text)));
    if (m.config.media_type)
        TRY(need_blob(c, &m.config));
    for (size_t i = 0; i < m.layers.count; i++)
        TRY(need_blob(c, &m.layers.item[i]));
    return check_children(c, &m, depth);
}

struct err *archive_oci_name(struct store *layout, const struct desc *root, const char *name, bool reference,
                             struct strlist *names)
{
    AUTO_VALUE(ref_wipe) struct ref ref = {0};
    char digest[DIGEST_TEXT];

    if (str_empty(name)) {
        name = digest_text(&root->digest, digest);
        reference = false;
    }
    if (strlen(name) > NAME_MAX_BYTES)
        return err_new(ERR_RESOURCE, "an image's name has more than %d bytes", NAME_MAX_BYTES);
    TRY(store_tag(layout, name, root));
    if (!strlist_has(names, name))
        strlist_add(names, name);
    if (!reference)
        return NULL;
    TRY(ref_parse(&ref, name));
    AUTO(mem_free) char *full = ref_text(&ref);
    AUTO(mem_free) char *familiar = ref_familiar(&ref);
    TRY(store_tag(layout, full, root));
    return store_tag(layout, familiar, root);
}

static struct err *import_root(struct store *layout, struct desc *root, struct strlist *names)
{
    AUTO(mem_free) char *name = mem_strdup(strmap_get(&root->annotations, ARCHIVE_REF_NAME));
    AUTO(mem_free) char *full = mem_strdup(strmap_get(&root->annotations, ARCHIVE_CONTAINERD_NAME));

    strmap_remove(&root->annotations, ARCHIVE_REF_NAME);
    strmap_remove(&root->annotations, ARCHIVE_CONTAINERD_NAME);
    if (!full)
        return archive_oci_name(layout, root, name, false, names);
    TRY(archive_oci_name(layout, root, full, true, names));
    return str_empty(name) ? NULL : archive_oci_name(layout, root, name, false, names);
}

struct err *archive_oci_import(struct store *layout, const char *text, size_t len, struct strlist *names)
{
    AUTO_VALUE(manifest_wipe) struct manifest index = {0};

    TRY(manifest_parse(&index, text, len, MEDIATYPE_OCI_INDEX, ARCHIVE_INDEX));
    for (size_t i = 0; i < index.manifests.count; i++) {
        struct desc *root = &index.manifests.item[i];
        /* An index.json may name anything; what is no image is not ours. */
        if (!mediatype_is_manifest(root->media_type))
            continue;
        struct check check = {.layout = layout};
        struct err *e = check_graph(&check, root, 1);
        digestset_wipe(&check.seen);
        TRY(e);
        TRY(import_root(layout, root, names));
    }
    if (names->count == 0)
        return err_new(ERR_INPUT, ARCHIVE_INDEX " names no image");
    return NULL;
}
