/* SPDX-License-Identifier: Apache-2.0 */
#include "base/io.h"
#include "base/mem.h"
#include "base/stop.h"
#include "builder/copy_inner.h"
#include "layers/tarread.h"

/* An archive on its way into a directory of the image, which is the root for the links that it meets, as if
 * it was unpacked by a process that sees nothing else. */
struct unpacking {
    struct copy_run *run;
    struct tree *archive;
    struct copy_place root;
    unsigned depth;
};

struct err *copy_is_archive(const struct node *file, bool *yes)
{
    AUTO(source_free) struct source *bytes = NULL;
    *yes = false;
    if (file->type != NODE_FILE || file->size == 0 || file->content.kind == CONTENT_LAYER)
        return NULL;
    TRY(node_open(file, &bytes));
    return tarread_is_archive(bytes, yes);
}

static struct err *unpack_children(struct unpacking *u, struct node *from, const struct copy_place *dir,
                                   const char *path);

/* A directory that the archive does not list, only names below it. Where a link stands, what is below goes to
 * where the link leads. */
static struct err *pass_dir(struct unpacking *u, const struct node *from, const struct copy_place *dir,
                            const char *path, struct copy_place *there)
{
    static const struct account root = {0, 0};
    const struct node *old = copy_visible(there);
    AUTO_VALUE(strlist_wipe) struct strlist names = {0};
    if (old && old->type == NODE_DIR) {
        copy_enter(u->run, dir, from->name, there);
        return NULL;
    }
    TRY(copy_resolve(&names, u->run, &u->root, path));
    return copy_make_dirs(there, u->run, &u->root, &names, 0755, &root);
}

static void unpack_dir(struct unpacking *u, const struct node *from, const struct copy_place *dir,
                       struct copy_place *there)
{
    const struct node *old = copy_visible(there);
    if (!old || old->type != NODE_DIR) {
        copy_meta(u->run, copy_fill(u->run, dir, from->name, there, NODE_DIR), from, true);
        return;
    }
    copy_enter(u->run, dir, from->name, there);
    copy_meta_merge(u->run, copy_touch(u->run, there), from, true);
    copy_settle(there);
}

static struct err *unpack_entry(struct unpacking *u, struct node *from, const struct copy_place *dir,
                                const char *path)
{
    struct copy_place there = {0};
    TRY(copy_child(&there, u->run, dir, from->name));
    if (from->type != NODE_DIR) {
        copy_meta(u->run, copy_fill(u->run, dir, from->name, &there, from->type), from, true);
        return NULL;
    }
    if (from->implicit)
        TRY(pass_dir(u, from, dir, path, &there));
    else
        unpack_dir(u, from, dir, &there);
    if (++u->depth > COPY_MAX_DEPTH)
        return err_new(ERR_RESOURCE, "more than %u directories below each other", COPY_MAX_DEPTH);
    TRY(unpack_children(u, from, &there, path));
    u->depth--;
    return NULL;
}

static struct err *unpack_children(struct unpacking *u, struct node *from, const struct copy_place *dir,
                                   const char *path)
{
    struct node **child = NULL;
    size_t count = 0;
    TRY(stop_check());
    TRY(tree_children(u->archive, from, &child, &count));
    for (size_t i = 0; i < count; i++) {
        AUTO(mem_free) char *below = mem_printf("%s/%s", path, child[i]->name);
        TRY(unpack_entry(u, child[i], dir, below));
    }
    return NULL;
}

struct err *copy_unpack(struct copy_run *run, const struct copy_match *archive, const struct copy_place *dir)
{
    AUTO(source_free) struct source *bytes = NULL;
    AUTO(tree_free) struct tree *tree = NULL;
    AUTO(mem_free) char *what = str_safe(archive->name);
    struct tarread_options options = {.what = what, .any_compression = true, .spool = run->step->spool};
    TRY(node_open(archive->node, &bytes));
    TRY(tarread_tree(&tree, bytes, &options));
    struct unpacking u = {.run = run, .archive = tree, .root = *dir};
    return err_wrap(unpack_children(&u, tree_root(tree), dir, ""), "unpack %s", what);
}
