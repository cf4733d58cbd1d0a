/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/run_show.h"

#include "base/digest.h"
#include "base/fs.h"
#include "base/mem.h"
#include "builder/rootfs.h"
#include "builder/run_select.h"
#include "builder/step.h"
#include "layers/clone.h"
#include "layers/tarwrite.h"

#include <unistd.h>

static bool owners_are_real(struct sandbox_way way)
{
    return way.ids != SANDBOX_SINGLE && way.ids != SANDBOX_FAKE;
}

static struct err *digest_tree(struct tree *t, struct digest *out)
{
    struct tarwrite_options options = {0};
    AUTO(sink_free) struct sink *digest = sink_digest(NULL, out, NULL);
    TRY(tarwrite_tree(digest, t, &options));
    return sink_commit(digest);
}

/* As files in the cache, by the digest of what they are: the next step or build finds them there. */
static struct err *unpack_selected(struct builder *b, const struct run_mount *mount, struct unpacked **out)
{
    AUTO(tree_free) struct tree *selected = tree_new();
    struct sandbox_way way;
    struct digest id;
    int cache = -1;
    const char *path = NULL;
    TRY(rootfs_way(b, &way));
    TRY(rootfs_cache(b, &cache, &path));
    TRY(run_select(selected, mount, true));
    if (mount->from)
        TRY(step_unpack_contents(b, mount->from, selected));
    enum unpacked_kind kind = owners_are_real(way) ? UNPACKED_REAL : UNPACKED_OURS;
    builder_unlock(b);
    struct err *e = digest_tree(selected, &id);
    if (!e)
        e = unpacked_open(out, cache, &id, kind);
    if (!e && !*out)
        e = unpacked_from_tree(out, cache, kind, selected, &id);
    builder_lock(b);
    return e;
}

/* The one part of the stage that has the node and all that is below it; NULL when there are several. */
static struct err *only_part(const struct stage *from, const char *path, struct part **out)
{
    struct part *found = NULL;
    size_t count = 0;
    for (size_t i = 0; i < from->parts.count; i++) {
        struct node *n = NULL;
        TRY(tree_lookup(from->parts.item[i]->tree, path, false, &n));
        if (!n)
            continue;
        found = from->parts.item[i];
        count++;
    }
    *out = count == 1 ? found : NULL;
    return NULL;
}

static char *beneath(const char *dir, const char *path)
{
    return *path ? path_join(dir, path) : mem_strdup(dir);
}

/* With one id, others' files would be shown as nobody's, while those of the context belong to root; and who
 * may only read can still write into a FIFO or a device, and talk to who listens on a socket. */
static struct err *all_ours(const struct run_mount *mount, struct node *n, bool *yes)
{
    struct node **child = NULL;
    size_t count = 0;
    *yes = n->uid == geteuid() && n->gid == getegid() &&
           (n->type == NODE_FILE || n->type == NODE_DIR || n->type == NODE_SYMLINK);
    if (*yes && n->type == NODE_DIR)
        TRY(tree_children(mount->files, n, &child, &count));
    *yes = *yes && !n->has_sockets;
    for (size_t i = 0; *yes && i < count; i++)
        TRY(all_ours(mount, child[i], yes));
    return NULL;
}

/* Without any copy: files that nobody can change there, and that are what they should be. */
static struct err *show_in_place(struct run_shown *out, struct builder *b, const struct run_mount *mount)
{
    struct sandbox_way way;
    AUTO(mem_free) char *path = node_path(mount->node);
    TRY(rootfs_way(b, &way));
    if (!mount->from) {
        bool ours = b->context.real_path && !b->context.ignore && !owners_are_real(way);
        if (ours)
            TRY(all_ours(mount, mount->node, &ours));
        if (ours)
            out->path = beneath(b->context.real_path, path);
        return NULL;
    }
    struct part *part = NULL;
    struct unpacked *unpacked = NULL;
    TRY(only_part(mount->from, path, &part));
    if (!part)
        return NULL;
    TRY(rootfs_unpack(b, part, &unpacked));
    out->path = beneath(unpacked_path(unpacked), path);
    return NULL;
}

/* A copy for one step. */
static struct err *show_copy(struct run_shown *out, struct builder *b, const struct run_mount *mount)
{
    int cache = -1;
    const char *path = NULL;
    struct sandbox_way way;
    TRY(rootfs_way(b, &way));
    TRY(rootfs_cache(b, &cache, &path));
    AUTO(unpacking_free) struct unpacking *copy = NULL;
    TRY(unpacking_begin(&copy, cache, owners_are_real(way) ? UNPACKED_REAL : UNPACKED_OURS));
    TRY(run_show_copy(b, mount, unpacking_dir(copy)));
    out->path = beneath(unpacking_upper(copy), mount->node->type == NODE_DIR ? "" : RUN_SELECT_NAME);
    out->copy = TAKE(copy);
    return NULL;
}

struct err *run_show_copy(struct builder *b, const struct run_mount *mount, int to)
{
    AUTO(unpacked_close) struct unpacked *files = NULL;
    struct sandbox_way way;
    TRY(rootfs_way(b, &way));
    TRY(unpack_selected(b, mount, &files));
    const struct clone_options options = {.owners = owners_are_real(way)};
    builder_unlock(b);
    struct err *e = clone_dir(to, unpacked_dir(files), &options);
    builder_lock(b);
    return e;
}

struct err *run_show(struct run_shown *out, struct builder *b, const struct run_mount *mount)
{
    if (!mount->read_only)
        return show_copy(out, b, mount);
    TRY(show_in_place(out, b, mount));
    if (out->path)
        return NULL;
    TRY(unpack_selected(b, mount, &out->unpacked));
    out->path = beneath(unpacked_path(out->unpacked), mount->node->type == NODE_DIR ? "" : RUN_SELECT_NAME);
    return NULL;
}
