/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/str.h"
#include "layers/tree.h"
#include "layers/tree_inner.h"

#include <assert.h>
#include <string.h>

/* A directory of the layer whose place in the base is a link: its children go to where the link leads. */
struct detour {
    struct node *link;
    struct node *dir;
};

/* A hard link of the layer and the file of the base that it means, found before the base changes. */
struct late_link {
    const struct node *link;
    struct node *file;
};

struct application {
    struct tree *base;
    struct late_link *late;
    size_t late_count, late_room, late_next;
    uint32_t number;
    uint32_t *group; /* of the layer's link groups, what each is in the base; 0: not met yet */
    struct detour *detour;
    size_t detour_count, detour_room;
};

static void merge_directory(struct application *a, struct node *to, struct node *from);

static struct err *find_late_links(struct application *a, struct node *n)
{
    for (uint32_t i = 0; i < n->child_count; i++) {
        struct node *child = n->child[i], *file = NULL;
        if (child->type == NODE_DIR)
            TRY(find_late_links(a, child));
        if (child->type != NODE_LINK)
            continue;
        TRY(tree_lookup(a->base, child->target, false, &file));
        if (!file || file->type == NODE_DIR) {
            AUTO(mem_free) char *path = node_path(child);
            AUTO(mem_free) char *safe = str_safe(path);
            return err_new(ERR_INPUT, "%s: a hard link to a file that no layer below has", safe);
        }
        MEM_PUSH(a->late, a->late_count, a->late_room, (struct late_link){child, file});
    }
    return NULL;
}

/* The links come in about the order in which they were found. */
static struct node *late_file(struct application *a, const struct node *link)
{
    assert(a->late_count > 0);
    while (a->late[a->late_next].link != link)
        a->late_next = (a->late_next + 1) % a->late_count;
    return a->late[a->late_next].file;
}

static void copy_late_link(struct application *a, struct node *to, const struct node *from)
{
    struct node *file = late_file(a, from);
    node_copy_meta(a->base, to, file);
    if (file->type == NODE_FILE && !file->link_group)
        file->link_group = tree_new_link_group(a->base);
    to->link_group = file->link_group;
}

static void copy_meta(struct application *a, struct node *to, struct node *from)
{
    if (from->type == NODE_LINK) {
        copy_late_link(a, to, from);
        return;
    }
    node_copy_meta(a->base, to, from);
    to->implicit = from->implicit;
    if (to->content.kind == CONTENT_LAYER)
        to->content.layer = a->number;
    to->link_group = 0;
    if (from->link_group) {
        uint32_t *group = &a->group[from->link_group];
        if (!*group)
            *group = tree_new_link_group(a->base);
        to->link_group = *group;
    }
}

static struct node *copy_subtree(struct application *a, struct node *parent, struct node *from)
{
    struct node *n = tree_new_node(a->base, parent, from->name, strlen(from->name));

    copy_meta(a, n, from);
    a->base->node_count++;
    if (from->type == NODE_DIR)
        merge_directory(a, n, from);
    return n;
}

static void forget(struct application *a, struct node *n)
{
    a->base->node_count -= node_subtree_count(n);
    n->parent = NULL;
}

/* Both have the name: what stands there afterwards, or NULL. */
static struct node *merge_node(struct application *a, struct node *dir, struct node *old, struct node *from)
{
    if (old->type == NODE_DIR && from->type == NODE_DIR) {
        if (!from->implicit)
            copy_meta(a, old, from);
        merge_directory(a, old, from);
        return old;
    }
    if (old->type == NODE_SYMLINK && from->type == NODE_DIR && from->implicit) {
        MEM_PUSH(a->detour, a->detour_count, a->detour_room, (struct detour){old, from});
        return old;
    }
    forget(a, old);
    return from->type == NODE_WHITEOUT ? NULL : copy_subtree(a, dir, from);
}

static void merge_directory(struct application *a, struct node *to, struct node *from)
{
    size_t old = 0, added = 0, count = 0;

    node_settle(from);
    node_settle(to);
    if (from->opaque) {
        for (size_t i = 0; i < to->child_count; i++)
            forget(a, to->child[i]);
        node_set_children(to, NULL, 0);
    }
    if (from->child_count == 0)
        return;
    struct node **merged = mem_zero((size_t)to->child_count + from->child_count, sizeof(struct node *));
    while (old < to->child_count || added < from->child_count) {
        struct node *n = NULL;
        int order = -1;
        if (old == to->child_count)
            order = 1;
        else if (added < from->child_count)
            order = node_compare(&to->child[old], &from->child[added]);
        if (order < 0)
            n = to->child[old++];
        else if (order == 0)
            n = merge_node(a, to, to->child[old++], from->child[added++]);
        else if (from->child[added]->type != NODE_WHITEOUT)
            n = copy_subtree(a, to, from->child[added++]);
        else
            added++;
        if (n)
            merged[count++] = n;
    }
    node_set_children(to, merged, count);
}

static bool is_in_tree(const struct tree *t, const struct node *n)
{
    while (n->parent)
        n = n->parent;
    return n == t->root;
}

/* Where a link of the base leads, made when it leads nowhere; NULL when that cannot be a directory. */
static struct node *detour_place(struct application *a, struct node *link)
{
    AUTO(mem_free) char *path = node_path(link);
    AUTO(mem_free) char *real = NULL;
    struct node *place = NULL;
    AUTO(err_free) struct err *e = tree_resolve(a->base, path, true, &real);

    if (!e)
        e = tree_lookup(a->base, real, false, &place);
    if (e)
        return NULL;
    if (!place)
        return tree_make_path(a->base, real);
    return place->type == NODE_DIR ? place : NULL;
}

static void application_wipe(struct application *a)
{
    mem_free(a->group);
    mem_free(a->detour);
    mem_free(a->late);
}

struct err *tree_apply(struct tree *base, const struct tree *layer, uint32_t number)
{
    struct application a = {
        .base = base,
        .number = number,
        .group = mem_zero((size_t)layer->link_groups + 1, sizeof(uint32_t)),
    };

    struct err *e = find_late_links(&a, layer->root);
    if (e) {
        application_wipe(&a);
        return e;
    }
    if (!layer->root->implicit)
        copy_meta(&a, base->root, layer->root);
    merge_directory(&a, base->root, layer->root);
    /* More may be added on the way. */
    for (size_t i = 0; i < a.detour_count; i++) {
        struct detour d = a.detour[i];
        if (!is_in_tree(base, d.link))
            continue;
        struct node *place = detour_place(&a, d.link);
        if (!place) {
            place = tree_add(base, d.link->parent, d.link->name, strlen(d.link->name), NODE_DIR);
            copy_meta(&a, place, d.dir);
        }
        merge_directory(&a, place, d.dir);
    }
    application_wipe(&a);
    return NULL;
}
