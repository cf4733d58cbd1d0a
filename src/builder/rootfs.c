/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/rootfs.h"

#include "base/buf.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/pool.h"
#include "builder/node_owners.h"
#include "layers/tarwrite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

struct rootfs_state {
    bool found;
    struct sandbox_way way;
    int dir;
    char *path;
    bool temporary;
};

#define EMPTY_FOLDER "empty" /* the one layer of an image without layers */
#define CAPABILITY "security.capability"

void rootfs_state_free(struct rootfs_state *state)
{
    if (!state)
        return;
    if (state->dir >= 0)
        fd_close(state->dir);
    if (state->temporary && state->path)
        err_free(fs_remove_tree(AT_FDCWD, state->path));
    free(state->path);
    free(state);
}

/* A build without cache has a directory of its own as long as it lasts. */
static struct err *make_temporary(struct rootfs_state *state)
{
    const char *temp = getenv("TMPDIR");
    AUTO(mem_free) char *path = mem_printf("%s/lade-XXXXXX", str_empty(temp) ? "/tmp" : temp);
    if (!mkdtemp(path))
        return err_sys("make a directory for files: %s", path);
    state->path = TAKE(path);
    state->temporary = true;
    return NULL;
}

static struct err *open_state(struct builder *b, struct rootfs_state **out)
{
    if (b->rootfs) {
        *out = b->rootfs;
        return NULL;
    }
    AUTO(rootfs_state_free) struct rootfs_state *state = mem_zero(1, sizeof *state);
    state->dir = -1;
    if (b->options->cache) {
        state->path = realpath(b->options->cache, NULL);
        if (!state->path)
            return err_sys("cache %s", b->options->cache);
    } else {
        TRY(make_temporary(state));
    }
    TRY(fs_open(&state->dir, AT_FDCWD, state->path, O_RDONLY | O_DIRECTORY, 0));
    *out = b->rootfs = TAKE(state);
    return NULL;
}

struct err *rootfs_cache(struct builder *b, int *dir, const char **path)
{
    struct rootfs_state *state = NULL;
    TRY(open_state(b, &state));
    *dir = state->dir;
    *path = state->path;
    return NULL;
}

static struct err *find_way(struct builder *b, struct rootfs_state *state)
{
    struct sandbox_report report = {0};
    struct err *e = sandbox_find(&report, state->path, b->options->run.userns);
    if (!e && !report.found)
        e = sandbox_refusal(&report);
    if (!e && report.way.ids == SANDBOX_RANGE && !sandbox_in_range())
        e = err_hint(err_new(ERR_UNSUPPORTED, "RUN needs your subordinate ids on this machine"),
                     "build with --userns subuid");
    state->way = report.way;
    state->found = !e;
    sandbox_report_wipe(&report);
    if (!e && state->way.ids == SANDBOX_FAKE)
        event_warn(b->options->events,
                   "RUN cannot keep owners on this machine: commands see that changing them succeeds, but "
                   "everything they make belongs to root in the image");
    return e;
}

struct err *rootfs_way(struct builder *b, struct sandbox_way *out)
{
    struct rootfs_state *state = NULL;
    TRY(open_state(b, &state));
    if (!state->found)
        TRY(find_way(b, state));
    *out = state->way;
    return NULL;
}

static enum unpacked_kind kind_of(struct sandbox_way way)
{
    return way.ids == SANDBOX_SINGLE || way.ids == SANDBOX_FAKE ? UNPACKED_OURS : UNPACKED_REAL;
}

/* Parts that are in no image have no digest before somebody asks. */
static struct err *digest_part(const struct part *part, struct digest *out)
{
    *out = part->diff_id;
    if (digest_is_set(out))
        return NULL;
    struct tarwrite_options options = {0};
    AUTO(sink_free) struct sink *digest = sink_digest(NULL, out, NULL);
    TRY(tarwrite_tree(digest, part->tree, &options));
    return sink_commit(digest);
}

/* File capabilities do not survive what a plain user can write. */
struct capabilities {
    struct sandbox_capability *item;
    size_t count, room;
    struct strlist path;
};

static void capabilities_wipe(struct capabilities *c)
{
    free(c->item);
    strlist_wipe(&c->path);
}

static bool has_capability(const char *root, const char *path)
{
    AUTO(mem_free) char *file = path_join(root, path);
    return lgetxattr(file, CAPABILITY, NULL, 0) > 0;
}

/* Those that are not there yet: whoever unpacked the layer may have been killed before it came to them. */
static void find_capabilities(const struct unpacked *u, const struct node *n, struct capabilities *out)
{
    for (uint32_t i = 0; i < n->xattr_count; i++) {
        if (!str_eq(n->xattr[i].name, CAPABILITY))
            continue;
        AUTO(mem_free) char *relative = node_path(n);
        if (has_capability(unpacked_path(u), relative))
            continue;
        char *path = TAKE(relative);
        strlist_add_take(&out->path, path);
        MEM_PUSH(out->item, out->count, out->room,
                 (struct sandbox_capability){path, n->xattr[i].value, n->xattr[i].value_len});
    }
    for (uint32_t i = 0; i < n->child_count; i++)
        find_capabilities(u, n->child[i], out);
}

static struct err *set_capabilities(struct unpacked *u)
{
    AUTO_VALUE(capabilities_wipe) struct capabilities found = {0};
    find_capabilities(u, tree_root(unpacked_tree(u)), &found);
    return found.count > 0 ? sandbox_set_capabilities(unpacked_dir(u), found.item, found.count) : NULL;
}

/* One part to files, by a thread of its own. */
struct unpacking_task {
    struct builder *b;
    struct part *part;
    int cache_dir;
    enum unpacked_kind kind;
    struct digest diff_id;
    struct unpacked *done;
};

static struct err *unpack_part(struct unpacking_task *task)
{
    struct part *part = task->part;
    const struct digest *id = &task->diff_id;
    TRY(digest_part(part, &task->diff_id));
    char digest[DIGEST_SHORT];
    struct err *e = unpacked_open(&task->done, task->cache_dir, id, task->kind);
    if (!e && !task->done && part->made)
        e = unpacked_from_tree(&task->done, task->cache_dir, task->kind, part->tree, id);
    if (!e && !task->done)
        e = part_want_files(task->b, part);
    if (!e && !task->done)
        e = part_unreadable(
            task->b, part,
            unpacked_make(&task->done, task->cache_dir, task->kind, task->b->blobs, &part->desc, id));
    if (!e && task->kind == UNPACKED_OURS)
        e = set_capabilities(task->done);
    return err_wrap(e, "unpack layer %s", digest_short(id, digest));
}

static struct err *unpack_one(void *ctx, size_t i)
{
    struct unpacking_task *tasks = ctx;
    return unpack_part(&tasks[i]);
}

/* Another stage may have been faster. */
static void take_unpacked(struct builder *b, struct unpacking_task *task)
{
    struct part *part = task->part;
    part_begin(b, part);
    if (!digest_is_set(&part->diff_id))
        part->diff_id = task->diff_id;
    if (part->unpacked || !task->done) {
        unpacked_close(task->done);
    } else {
        part->unpacked = task->done;
        part->tree_of_unpacked = !part->tree;
        if (!part->tree)
            part->tree = unpacked_tree(part->unpacked);
    }
    part_end(b, part);
}

static struct err *unpack_parts(struct builder *b, struct part **parts, size_t count)
{
    struct rootfs_state *state = NULL;
    struct sandbox_way way;
    if (count == 0)
        return NULL;
    TRY(open_state(b, &state));
    TRY(rootfs_way(b, &way));
    struct unpacking_task *tasks = mem_zero(count, sizeof *tasks);
    for (size_t i = 0; i < count; i++)
        tasks[i] =
            (struct unpacking_task){.b = b, .part = parts[i], .cache_dir = state->dir, .kind = kind_of(way)};
    builder_unlock(b);
    struct err *e = pool_each(b->options->jobs, count, unpack_one, tasks);
    builder_lock(b);
    for (size_t i = 0; i < count; i++)
        take_unpacked(b, &tasks[i]);
    free(tasks);
    return e;
}

struct err *rootfs_unpack(struct builder *b, struct part *part, struct unpacked **out)
{
    if (!part->unpacked)
        TRY(unpack_parts(b, &part, 1));
    *out = part->unpacked;
    return NULL;
}

struct err *rootfs_foresee(struct builder *b, struct stage *s)
{
    struct part_list missing = {0};
    for (size_t i = 0; i < s->parts.count; i++) {
        struct part *part = s->parts.item[i];
        part_begin(b, part);
        if (!part->tree)
            part_find_tree(b, part);
        part_end(b, part);
        if (!part->tree)
            MEM_PUSH(missing.item, missing.count, missing.room, part);
    }
    struct err *e = unpack_parts(b, missing.item, missing.count);
    free(missing.item);
    return e;
}

static struct err *add_lower(struct rootfs *r, struct builder *b, struct stage *s)
{
    struct part_list missing = {0};
    for (size_t i = 0; i < s->parts.count; i++)
        if (!s->parts.item[i]->unpacked)
            MEM_PUSH(missing.item, missing.count, missing.room, s->parts.item[i]);
    struct err *e = unpack_parts(b, missing.item, missing.count);
    free(missing.item);
    TRY(e);
    /* A layer that comes again hides all that it brought before, and overlay takes each directory once. */
    for (size_t i = 0; i < s->parts.count; i++) {
        const char *path = unpacked_path(s->parts.item[i]->unpacked);
        for (size_t k = r->lower.count; k-- > 0;)
            if (str_eq(r->lower.item[k], path))
                strlist_remove(&r->lower, k);
        strlist_add(&r->lower, path);
    }
    if (r->lower.count > 0)
        return NULL;
    char *path = mem_printf("%s/" EMPTY_FOLDER, b->rootfs->path);
    strlist_add_take(&r->lower, path);
    if (mkdirat(b->rootfs->dir, EMPTY_FOLDER, 0755) < 0 && errno != EEXIST)
        return err_sys("%s", path);
    return NULL;
}

/* The merged files, with contents that can be read: a tree that came from an index has none, and what a
 * command left as it was could not be told from what it changed. */
static struct err *merge_unpacked(struct rootfs *r, const struct stage *s)
{
    bool readable = true;
    for (size_t i = 0; i < s->parts.count; i++)
        readable = readable && (s->parts.item[i]->tree_of_unpacked || s->parts.item[i]->made);
    if (readable)
        return NULL;
    r->merged = tree_new();
    for (size_t i = 0; i < s->parts.count; i++)
        TRY(tree_apply(r->merged, unpacked_tree(s->parts.item[i]->unpacked), (uint32_t)i));
    return NULL;
}

/* What the mount of the layers alone would not show as the image has it. */
static struct err *add_patch(struct rootfs *r, struct builder *b, const struct stage *s)
{
    struct unpacked **layers = mem_zero(s->parts.count + 1, sizeof *layers);
    for (size_t i = 0; i < s->parts.count; i++)
        layers[i] = s->parts.item[i]->unpacked;
    struct err *e =
        unpacked_patch(&r->patch, b->rootfs->dir, kind_of(r->way), layers, s->parts.count, r->files);
    free(layers);
    if (!e && r->patch)
        strlist_add(&r->lower, unpacked_path(r->patch));
    return e;
}

struct err *rootfs_make(struct rootfs *out, struct builder *b, struct stage *s)
{
    struct tree *files = NULL;
    TRY(rootfs_way(b, &out->way));
    TRY(add_lower(out, b, s));
    TRY(stage_files(b, s, &files));
    TRY(merge_unpacked(out, s));
    if (out->merged)
        files = out->merged;
    out->files = files;
    TRY(add_patch(out, b, s));
    if (out->way.ids == SANDBOX_SINGLE || out->way.ids == SANDBOX_RANGE)
        node_owners(&out->owners, tree_root(files), out->way.ids == SANDBOX_RANGE);
    TRY(unpacking_begin(&out->upper, b->rootfs->dir, kind_of(out->way)));
    return unpacking_like(out->upper, tree_root(files));
}

void rootfs_wipe(struct rootfs *r)
{
    strlist_wipe(&r->lower);
    unpacking_free(r->upper);
    tree_free(r->merged);
    unpacked_close(r->patch);
    owner_list_wipe(&r->owners);
}

struct err *rootfs_keep(struct builder *b, struct part *part, struct unpacking *upper_take)
{
    AUTO(unpacking_free) struct unpacking *upper = upper_take;
    struct unpacked *done = NULL;
    struct digest diff_id;
    builder_unlock(b);
    struct err *e = digest_part(part, &diff_id);
    if (!e)
        e = unpacking_commit(&done, TAKE(upper), TAKE(part->tree), &diff_id);
    builder_lock(b);
    TRY(e);
    part->diff_id = diff_id;
    part->unpacked = done;
    part->tree = unpacked_tree(done);
    part->tree_of_unpacked = true;
    return NULL;
}
