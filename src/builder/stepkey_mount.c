/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "builder/run_select.h"
#include "builder/step.h"
#include "builder/stepkey.h"
#include "layers/layer.h"

/* Only this checkout says when its files were changed. */
static void set_times(struct node *n, int64_t mtime)
{
    n->mtime = mtime;
    n->mtime_ns = 0;
    for (uint32_t i = 0; i < n->child_count; i++)
        set_times(n->child[i], mtime);
}

static bool is_packed(const struct node *n)
{
    if (n->type == NODE_FILE && n->size > 0 && n->content.kind == CONTENT_LAYER)
        return true;
    for (uint32_t i = 0; i < n->child_count; i++)
        if (is_packed(n->child[i]))
            return true;
    return false;
}

struct err *stepkey_mount(struct builder *b, const struct run_mount *mount, bool read, bool *known,
                          struct digest *out)
{
    AUTO(tree_free) struct tree *copy = tree_new();
    AUTO(mem_free) char *about = NULL;
    struct layer_options options = b->options->layer;
    TRY(run_select(copy, mount, false));
    tree_settle(copy);
    *known = read || !is_packed(tree_root(copy));
    if (!*known)
        return NULL;
    if (is_packed(tree_root(copy)))
        TRY(step_unpack_contents(b, mount->from, copy));
    if (!mount->from)
        set_times(*tree_root(copy)->child, b->options->time == BUILD_TIME_EPOCH ? b->epoch : 0);
    if (!mount->from && b->cache_dir >= 0 && b->context.real_path)
        about = mem_printf("%s\nmount\n%s", b->context.real_path, mount->source ? mount->source : "");
    options.about = about;
    options.cache_dir = b->cache_dir;
    builder_unlock(b);
    struct err *e = layer_digest(copy, &options, out);
    builder_lock(b);
    return e;
}
