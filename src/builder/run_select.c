/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/run_select.h"

#include "base/mem.h"

#include <string.h>

struct selection {
    const struct run_mount *mount;
    struct tree *to;
    uint32_t *group; /* of `to`, by the link group in mount->files; 0: not met yet */
    size_t group_count;
};

static uint32_t link_group(struct selection *s, uint32_t theirs)
{
    if (theirs == 0)
        return 0;
    if (theirs >= s->group_count) {
        size_t count = (size_t)theirs * 2;
        s->group = mem_grow(s->group, count, sizeof *s->group);
        memset(s->group + s->group_count, 0, (count - s->group_count) * sizeof *s->group);
        s->group_count = count;
    }
    uint32_t *ours = &s->group[theirs];
    if (*ours == 0)
        *ours = tree_new_link_group(s->to);
    return *ours;
}

static struct err *copy_node(struct selection *s, struct node *dir, const char *name, struct node *from);

static struct err *copy_children(struct selection *s, struct node *to, struct node *from)
{
    struct node **child = NULL;
    size_t count = 0;
    TRY(tree_children(s->mount->files, from, &child, &count));
    for (size_t i = 0; i < count; i++)
        TRY(copy_node(s, to, child[i]->name, child[i]));
    return NULL;
}

static struct err *copy_node(struct selection *s, struct node *dir, const char *name, struct node *from)
{
    struct node *n = tree_add(s->to, dir, name, strlen(name), from->type);
    node_copy_meta(s->to, n, from);
    if (from->type == NODE_FILE)
        n->link_group = link_group(s, from->link_group);
    if (!s->mount->from)
        n->uid = n->gid = 0;
    return from->type == NODE_DIR ? copy_children(s, n, from) : NULL;
}

struct err *run_select(struct tree *to, const struct run_mount *mount, bool spread)
{
    struct selection s = {.mount = mount, .to = to};
    struct err *e = spread && mount->node->type == NODE_DIR
                        ? copy_children(&s, tree_root(to), mount->node)
                        : copy_node(&s, tree_root(to), RUN_SELECT_NAME, mount->node);
    mem_free(s.group);
    return e;
}
