/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/unpack.h"

#include "base/mem.h"

struct packed {
    struct node **item;
    size_t count, room;
};

static void packed_wipe(struct packed *p)
{
    free(p->item);
}

static void find_packed(struct node *n, struct packed *out)
{
    if (n->type == NODE_FILE && n->content.kind == CONTENT_LAYER)
        MEM_PUSH(out->item, out->count, out->room, n);
    for (uint32_t i = 0; i < n->child_count; i++)
        find_packed(n->child[i], out);
}

struct err *unpack_contents(struct tree *t, const struct layer_stack *stack, struct spool *spool)
{
    AUTO_VALUE(packed_wipe) struct packed packed = {0};
    find_packed(tree_root(t), &packed);
    return packed.count > 0 ? layer_spool(stack, packed.item, packed.count, spool) : NULL;
}
