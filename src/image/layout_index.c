/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/newfile.h"
#include "base/str.h"
#include "image/layout.h"
#include "image/layout_inner.h"
#include "image/manifest.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/*
 * index.json: names and what they name. It is edited as the JSON that it is, so that entries and keys of
 * other tools survive. It is read without a lock, because it changes by rename.
 */

#define INDEX "index.json"
#define EMPTY \
    "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\",\"manifests\":[]}"
/* containerd's name for an image, beside the one of the specification. */
#define CONTAINERD_NAME "io.containerd.image.name"

struct err *layout_index_init(struct layout *l)
{
    AUTO(sink_free) struct sink *file = NULL;
    struct stat st;
    if (fstatat(l->dirfd, INDEX, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return NULL;
    TRY(newfile_open(&file, l->dirfd, INDEX, 0644, false, true));
    TRY(sink_write(file, EMPTY, strlen(EMPTY)));
    return sink_commit(file);
}

struct err *layout_index_read(struct layout *l, json_t **out)
{
    AUTO_VALUE(buf_wipe) struct buf text = BUF(LAYOUT_INDEX_MAX);
    AUTO(json_decref) json_t *index = NULL;
    AUTO(mem_free) char *what = mem_printf("%s: " INDEX, l->name);
    const json_t *manifests = NULL;
    bool found = true;
    TRY(err_wrap(fs_read_file(&text, l->dirfd, INDEX, &found), "%s", l->name));
    if (!found)
        return err_new(ERR_INPUT, "%s is no OCI image layout: it has no file " INDEX, l->name);
    TRY(json_parse(&index, buf_text(&text), text.len, what));
    TRY(json_get_array(index, "manifests", what, &manifests));
    if (!manifests)
        json_put(index, "manifests", json_array());
    *out = TAKE(index);
    return NULL;
}

/* Other tools' entries may be anything, so nothing is taken for granted. */
const char *layout_index_name(const json_t *entry)
{
    return json_string_value(json_object_get(json_object_get(entry, "annotations"), LAYOUT_REF_NAME));
}

struct err *layout_index_desc(struct layout *l, const json_t *entry, struct desc *out)
{
    AUTO(mem_free) char *what = mem_printf("%s: " INDEX ": manifests", l->name);
    TRY(desc_from_json(out, entry, what));
    strmap_remove(&out->annotations, LAYOUT_REF_NAME);
    strmap_remove(&out->annotations, CONTAINERD_NAME);
    return NULL;
}

/*
 * The lock is on the file oci-layout, which every layout has and which is not replaced in normal life, so
 * that no file of ours lies about in layouts that are made for others. Should somebody replace it after all,
 * the one that we hold is another than the one that is there, and we ask again.
 */
static struct err *lock_index(struct layout *l, int *out)
{
    for (;;) {
        AUTO(fd_close) int fd = -1;
        struct stat held, there;
        struct err *e = fs_open(&fd, l->dirfd, "oci-layout", O_RDWR | O_NOCTTY, 0);
        if (e && err_kind_of(e) == ERR_DENIED) {
            err_free(e);
            e = fs_open(&fd, l->dirfd, "oci-layout", O_RDONLY | O_NOCTTY, 0);
        }
        TRY(e);
        TRY(fs_lock(fd, true, true, NULL));
        if (fstat(fd, &held) != 0 || fstatat(l->dirfd, "oci-layout", &there, 0) != 0)
            return err_sys("oci-layout");
        if (held.st_ino == there.st_ino && held.st_dev == there.st_dev) {
            *out = fd_take(&fd);
            return NULL;
        }
    }
}

struct change {
    const char *name;
    const struct desc *desc; /* NULL: remove the name */
    bool found;
    bool drop;                   /* instead of all that: remove the entries */
    const struct digest *digest; /* that name this blob, or (NULL) are no descriptors */
};

static json_t *named_entry(const struct change *c)
{
    AUTO_VALUE(desc_wipe) struct desc named = {0};
    desc_copy(&named, c->desc);
    strmap_set(&named.annotations, LAYOUT_REF_NAME, c->name);
    return desc_to_json(&named);
}

static bool drop(struct layout *l, json_t *index, const struct digest *digest)
{
    json_t *manifests = json_object_get(index, "manifests");
    size_t before = json_array_size(manifests);
    for (size_t i = 0; i < json_array_size(manifests);) {
        AUTO_VALUE(desc_wipe) struct desc d = {0};
        AUTO(err_free) struct err *e = layout_index_desc(l, json_array_get(manifests, i), &d);
        if (digest ? !e && digest_equal(&d.digest, digest) : e != NULL)
            json_array_remove(manifests, i);
        else
            i++;
    }
    return json_array_size(manifests) < before;
}

/* True when the index was changed. */
static bool apply(struct layout *l, json_t *index, struct change *c)
{
    if (c->drop)
        return drop(l, index, c->digest);
    json_t *manifests = json_object_get(index, "manifests");
    AUTO(json_decref) json_t *entry = c->desc ? named_entry(c) : NULL;
    bool changed = false;
    for (size_t i = 0; i < json_array_size(manifests);) {
        const json_t *old = json_array_get(manifests, i);
        if (!str_eq(layout_index_name(old), c->name)) {
            i++;
        } else if (entry && !c->found) {
            if (!json_equal(old, entry)) {
                json_array_set(manifests, i, entry);
                changed = true;
            }
            i++;
            c->found = true;
        } else {
            json_array_remove(manifests, i);
            changed = c->found = true;
        }
    }
    if (entry && !c->found) {
        json_push(manifests, json_incref(entry));
        changed = true;
    }
    return changed;
}

static struct err *change_index(struct layout *l, struct change *c)
{
    AUTO(lock_release) struct lock *held = lock_hold(l->changing);
    AUTO(fd_close) int fd = -1;
    AUTO(json_decref) json_t *index = NULL;
    TRY(err_wrap(lock_index(l, &fd), "%s: lock", l->name));
    TRY(layout_index_read(l, &index));
    if (!apply(l, index, c))
        return NULL;
    AUTO(mem_free) char *text = json_text(index);
    size_t len = strlen(text);
    if (len > LAYOUT_INDEX_MAX)
        return err_new(ERR_RESOURCE, "%s: " INDEX " would have more than %zu bytes", l->name,
                       LAYOUT_INDEX_MAX);
    /* The names are all that cannot be made again after a power failure. */
    return err_wrap(newfile_write(l->dirfd, INDEX, 0644, text, len, true), "%s", l->name);
}

struct err *layout_index_tag(struct store *s, const char *tag, const struct desc *d)
{
    struct layout *l = layout_of(s);
    struct change change = {.name = tag, .desc = d};
    assert(l->mode != LAYOUT_READ && tag && d->media_type);
    return change_index(l, &change);
}

struct err *layout_untag(struct store *layout, const char *name, bool *found)
{
    struct layout *l = layout_of(layout);
    struct change change = {.name = name};
    assert(l->mode != LAYOUT_READ);
    TRY(change_index(l, &change));
    *found = change.found;
    return NULL;
}

struct err *layout_drop_entries(struct store *layout, const struct digest *digest)
{
    struct layout *l = layout_of(layout);
    struct change change = {.drop = true, .digest = digest};
    assert(l->mode == LAYOUT_REMOVE);
    return change_index(l, &change);
}

struct err *layout_list(struct store *layout, struct layout_list *out)
{
    struct layout *l = layout_of(layout);
    AUTO(json_decref) json_t *index = NULL;
    const json_t *entry;
    size_t i;
    TRY(layout_index_read(l, &index));
    layout_list_wipe(out);
    json_array_foreach (json_object_get(index, "manifests"), i, entry) {
        struct desc d = {0};
        struct err *e = layout_index_desc(l, entry, &d);
        if (e) {
            log_debug("%s", err_message(e));
            err_free(e);
            out->unreadable++;
            continue;
        }
        MEM_PUSH(out->item, out->count, out->room,
                 (struct layout_entry){.name = mem_strdup(layout_index_name(entry)), .desc = d});
    }
    return NULL;
}

void layout_list_wipe(struct layout_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->item[i].name);
        desc_wipe(&list->item[i].desc);
    }
    free(list->item);
    *list = (struct layout_list){0};
}

/* Of a layout without further word: its one image, however often it is named. */
static struct err *resolve_only(struct layout *l, struct desc *out, bool *found)
{
    AUTO_VALUE(layout_list_wipe) struct layout_list list = {0};
    AUTO_VALUE(strlist_wipe) struct strlist names = {0};
    size_t others = 0;
    TRY(layout_list(&l->store, &list));
    for (size_t i = 0; i < list.count; i++) {
        if (!digest_equal(&list.item[i].desc.digest, &list.item[0].desc.digest))
            others++;
        if (list.item[i].name && names.count < 10)
            strlist_add(&names, list.item[i].name);
    }
    if (others) {
        AUTO(mem_free) char *joined = strlist_join(&names, ", ");
        AUTO(mem_free) char *safe = str_safe(joined);
        return err_hint(err_new(ERR_NOT_FOUND, "%s holds more than one image", l->name),
                        "name one of them: %s%s", safe, list.count > 10 ? ", …" : "");
    }
    if (list.count)
        desc_copy(out, &list.item[0].desc);
    *found = list.count > 0;
    return NULL;
}

/* A manifest that stands in no index.json entry itself, for instance one platform of an image. */
static struct err *resolve_blob(struct layout *l, const struct digest *digest, struct desc *out, bool *found)
{
    AUTO_VALUE(buf_wipe) struct buf bytes = BUF(MANIFEST_SIZE_MAX);
    AUTO_VALUE(manifest_wipe) struct manifest manifest = {0};
    AUTO_VALUE(desc_wipe) struct desc d = {.digest = *digest};
    char path[LAYOUT_PATH];
    struct stat st;
    if (fstatat(l->dirfd, layout_blob_path(digest, path), &st, AT_SYMLINK_NOFOLLOW) != 0) {
        *found = false;
        return errno == ENOENT || errno == ENOTDIR ? NULL : err_sys("%s: %s", l->name, path);
    }
    d.size = (uint64_t)st.st_size;
    TRY(store_read(&l->store, &d, &bytes));
    TRY(manifest_parse(&manifest, buf_text(&bytes), bytes.len, NULL, path));
    d.media_type = TAKE(manifest.media_type);
    desc_copy(out, &d);
    *found = true;
    return NULL;
}

static struct err *resolve_digest(struct layout *l, const char *text, struct desc *out, bool *found)
{
    AUTO_VALUE(layout_list_wipe) struct layout_list list = {0};
    struct digest digest;
    TRY(digest_parse(&digest, text));
    TRY(layout_list(&l->store, &list));
    for (size_t i = 0; i < list.count; i++) {
        if (digest_equal(&list.item[i].desc.digest, &digest)) {
            desc_copy(out, &list.item[i].desc);
            *found = true;
            return NULL;
        }
    }
    return resolve_blob(l, &digest, out, found);
}

struct err *layout_index_resolve(struct store *s, const char *tag, struct desc *out, bool *found)
{
    struct layout *l = layout_of(s);
    AUTO(json_decref) json_t *index = NULL;
    const json_t *entry;
    size_t i;
    if (!tag)
        return resolve_only(l, out, found);
    TRY(layout_index_read(l, &index));
    json_array_foreach (json_object_get(index, "manifests"), i, entry) {
        if (str_eq(layout_index_name(entry), tag)) {
            desc_wipe(out);
            *found = true;
            return layout_index_desc(l, entry, out);
        }
    }
    if (str_starts(tag, "sha256:") || str_starts(tag, "sha512:"))
        return resolve_digest(l, tag, out, found);
    *found = false;
    return NULL;
}
