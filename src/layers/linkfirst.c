/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/linkfirst.h"

#include "base/mem.h"
#include "layers/tree_inner.h"

#include <assert.h>

const struct node *linkfirst_of(struct linkfirst *l, const struct tree *t, const struct node *n)
{
    if (n->link_group == 0)
        return n;
    assert(n->link_group <= t->link_groups);
    /* A tree over a directory finds more groups while it is read. */
    if (n->link_group >= l->count) {
        size_t count = (size_t)t->link_groups + 1;
        l->node = mem_grow(l->node, count, sizeof(const struct node *));
        while (l->count < count)
            l->node[l->count++] = NULL;
    }
    if (!l->node[n->link_group])
        l->node[n->link_group] = n;
    return l->node[n->link_group];
}

void linkfirst_wipe(struct linkfirst *l)
{
    mem_free(l->node);
    *l = (struct linkfirst){0};
}
