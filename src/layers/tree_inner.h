/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_TREE_INNER_H
#define LADE_LAYERS_TREE_INNER_H

#include "layers/tree.h"

/*
 * What the sources of the tree (tree*.c, node.c) share. Nodes stand in slabs and never move; names, link
 * targets and xattrs stand in an arena; lists of children are allocated one by one, because they grow. About
 * 200 bytes for each node in all.
 */
struct arena_chunk;
struct node_slab;
struct tree_dir; /* tree_dir.c: what a tree over a directory needs besides */

struct tree {
    struct node *root;
    struct arena_chunk *arena;
    struct node_slab *slabs;
    size_t node_count; /* those that hang in the tree */
    uint32_t link_groups;
    struct tree_dir *dir; /* NULL: a tree in memory only */
    bool frozen;          /* tree_frozen.h */
};

void *tree_alloc(struct tree *t,
                 size_t size); /* aligned for anything, not cleared, lives as long as the tree */
struct node *tree_new_node(struct tree *t, struct node *parent, const char *name, size_t name_len);
/* Take over all nodes of `from`, which hang in `t`, and what they have allocated; `from` is freed. */
void tree_take_nodes(struct tree *t, struct tree *from_take);
/* Give `dir` these children, whose array is taken over and which are in order. */
void node_set_children(struct node *dir, struct node **children_take, size_t count);
/* Bring the children into one sorted run. */
void node_settle(struct node *dir);
size_t node_subtree_count(const struct node *n);
int node_compare(const void *a, const void *b); /* qsort of struct node *, by name */

/* tree_dir.c */
MUST_USE struct err *tree_dir_read(struct tree *t, struct node *dir);
MUST_USE struct err *tree_dir_open_file(const struct node *n, struct source **out);
void tree_dir_free(struct tree_dir *d);

#endif
