/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "builder/stepkey.h"
#include "layers/layer.h"

#include <string.h>

#define LONE_FILE "file"

/* A copy of what a mount shows, without what only this checkout says. */
struct selection {
    const struct builder *b;
    const struct run_mount *mount;
    struct tree *tree;
    bool packed;
};

static struct err *copy_node(struct selection *x, struct node *dir, const char *name, struct node *from)
{
    struct node *n = tree_add(x->tree, dir, name, strlen(name), from->type);
    node_copy_meta(x->tree, n, from);
    if (!x->mount->from) {
        n->uid = n->gid = 0;
        n->mtime = x->b->options->time == BUILD_TIME_EPOCH ? x->b->epoch : 0;
        n->mtime_ns = 0;
    }
    if (from->type == NODE_FILE && from->size > 0 && from->content.kind == CONTENT_LAYER)
        x->packed = true;
    if (from->type != NODE_DIR || x->packed)
        return NULL;
    struct node **child = NULL;
    size_t count = 0;
    TRY(tree_children(x->mount->files, from, &child, &count));
    for (size_t i = 0; i < count; i++)
        TRY(copy_node(x, n, child[i]->name, child[i]));
    return NULL;
}

struct err *stepkey_mount(struct builder *b, const struct run_mount *mount, bool *known, struct digest *out)
{
    AUTO(tree_free) struct tree *copy = tree_new();
    AUTO(mem_free) char *about = NULL;
    struct selection x = {.b = b, .mount = mount, .tree = copy};
    struct layer_options options = b->options->layer;
    TRY(copy_node(&x, tree_root(copy), LONE_FILE, mount->node));
    *known = !x.packed;
    if (x.packed)
        return NULL;
    tree_settle(copy);
    if (!mount->from && b->cache_dir >= 0 && b->context.real_path)
        about = mem_printf("%s\nmount\n%s", b->context.real_path, mount->source ? mount->source : "");
    options.about = about;
    options.cache_dir = b->cache_dir;
    builder_unlock(b);
    struct err *e = layer_digest(copy, &options, out);
    builder_lock(b);
    return e;
}
