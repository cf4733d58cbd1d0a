/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/endpoint.h"

#include "base/fs.h"
#include "base/mem.h"
#include "cli/publish.h"
#include "image/copy.h"
#include "image/layout.h"
#include "image/mediatype.h"
#include "layers/archive.h"

#include <stdio.h>
#include <sys/stat.h>

/* What an image is called where a name is needed and none was given, as with docker. */
#define TAG_DEFAULT "latest"

static struct copy_options copy_options(struct session *s)
{
    return (struct copy_options){.jobs = (unsigned)s->shared->jobs,
                                 .events = &s->events,
                                 .verb = "copy",
                                 .skip_foreign = !s->shared->foreign_layers};
}

struct err *endpoint_push(struct session *s, const struct endpoint *image, const struct ref *refs,
                          size_t count, struct strlist *results)
{
    AUTO_VALUE(publish_wipe)
    struct publish p = {.companions = image->companions.item, .companion_count = image->companions.count};
    if (count == 0)
        return NULL;
    TRY(publish_begin(&p, s, image->store, refs, count));
    return publish_finish(&p, &image->root, results);
}

struct err *endpoint_keep(struct session *s, const struct endpoint *image, const struct ref *name,
                          struct strlist *results)
{
    struct store *layout = NULL;
    struct copy_options options = copy_options(s);
    AUTO_VALUE(ref_wipe) struct ref plain = {0};
    TRY(session_layout(s, LAYOUT_WRITE, &layout));
    if (!image->local)
        TRY(copy_graph(layout, image->store, &image->root, &options, NULL));
    ref_copy(&plain, name);
    if (plain.tag)
        plain.digest = (struct digest){0};
    AUTO(mem_free) char *text = ref_text(&plain);
    TRY(store_tag(layout, text, &image->root));
    publish_result(results, name, &image->root);
    return NULL;
}

static struct err *write_store(struct session *s, const struct endpoint *image, const struct place *to,
                               struct strlist *results)
{
    if (!to->ref.tag)
        return err_new(ERR_USAGE, "%s: an image in the local store needs a tag", to->shown);
    TRY(publish_check_digest(&to->ref, &image->root));
    return endpoint_keep(s, image, &to->ref, results);
}

static struct err *tag_all(struct store *to, const struct desc *root, const struct strlist *names,
                           const char *nameless)
{
    for (size_t i = 0; i < names->count; i++)
        TRY(store_tag(to, names->item[i], root));
    return names->count ? NULL : store_tag(to, nameless, root);
}

/* A layout keeps to itself; one that the user asked for has the modes of the caller's umask. */
static struct err *open_to_others(const struct session *s, const char *path)
{
    static const char *const parts[] = {".", "blobs", "blobs/sha256"};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        AUTO(mem_free) char *part = path_join(path, parts[i]);
        if (chmod(part, session_dir_mode(s)) != 0)
            return err_sys("%s", path);
    }
    return NULL;
}

static struct err *write_dir(struct session *s, struct store *from, const struct desc *root,
                             const struct archive_target *to)
{
    AUTO(store_free) struct store *layout = NULL;
    struct copy_options options = copy_options(s);
    struct stat st;
    bool there = stat(to->path, &st) == 0;
    TRY(layout_open(&layout, to->path, LAYOUT_WRITE));
    if (!there)
        TRY(open_to_others(s, to->path));
    TRY(copy_graph(layout, from, root, &options, NULL));
    return tag_all(layout, root, &to->names, TAG_DEFAULT);
}

static struct err *write_archive(struct session *s, struct store *from, const struct desc *root,
                                 const struct archive_target *to)
{
    AUTO(sink_free) struct sink *file = NULL;
    AUTO(store_free) struct store *archive = NULL;
    AUTO(mem_free) char *shown = str_safe(to->path);
    struct copy_options options = copy_options(s);
    bool docker = to->kind == PLACE_DOCKER_ARCHIVE;
    options.jobs = 1; /* the same order of blobs every time */
    TRY(session_file(s, to->path, true, &file));
    TRY(archive_create(&archive, TAKE(file), docker ? ARCHIVE_DOCKER : ARCHIVE_OCI, shown));
    TRY(copy_graph(archive, from, root, &options, NULL));
    TRY(tag_all(archive, root, &to->names, NULL));
    return archive_commit(archive);
}

struct err *endpoint_archive(struct session *s, struct store *from, const struct desc *root,
                             const struct archive_target *to)
{
    AUTO_VALUE(desc_wipe) struct desc single = {0};
    struct platform host = platform_host();
    if (to->kind == PLACE_OCI_DIR)
        return write_dir(s, from, root, to);
    if (to->kind == PLACE_OCI_ARCHIVE)
        return write_archive(s, from, root, to);
    /* docker load takes no index. */
    TRY(copy_choose(from, root, &host, &single));
    return write_archive(s, from, &single, to);
}

static struct err *write_named(struct session *s, const struct endpoint *image, const struct place *to)
{
    AUTO_VALUE(strlist_wipe) struct strlist names = {0};
    if (to->tag)
        strlist_add(&names, to->tag);
    struct archive_target target = {.kind = to->kind, .path = to->path, .names = names};
    return endpoint_archive(s, image->store, &image->root, &target);
}

static struct err *write_one(struct session *s, const struct endpoint *image, const struct place *to,
                             struct strlist *results)
{
    switch (to->kind) {
    case PLACE_STORE:
        return write_store(s, image, to, results);
    case PLACE_OCI_DIR:
    case PLACE_OCI_ARCHIVE:
    case PLACE_DOCKER_ARCHIVE:
        return write_named(s, image, to);
    case PLACE_REGISTRY:
        break;
    }
    return NULL;
}

struct err *endpoint_write(struct session *s, const struct endpoint *image, const struct place *to,
                           size_t count, struct strlist *results)
{
    AUTO(mem_free) struct ref *refs = mem_zero(count, sizeof *refs); /* borrowed parts */
    size_t ref_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (to[i].kind == PLACE_REGISTRY)
            refs[ref_count++] = to[i].ref;
        else
            TRY(err_wrap(write_one(s, image, &to[i], results), "copy to %s", to[i].shown));
    }
    return endpoint_push(s, image, refs, ref_count, results);
}

void endpoint_print(const struct strlist *results)
{
    for (size_t i = 0; i < results->count; i++)
        puts(results->item[i]);
}
