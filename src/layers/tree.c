/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/tree.h"

#include "base/mem.h"
#include "layers/tree_inner.h"

#include <assert.h>
#include <stdalign.h>
#include <string.h>

#define CHUNK_FIRST 4096
#define CHUNK_MAX (64 * 1024)
#define SLAB_FIRST 16
#define SLAB_MAX 512
#define CHILDREN_FIRST 4
/* Moving this many pointers to make room for a child costs less than anything cleverer. */
#define SHIFT_MAX 512

struct arena_chunk {
    struct arena_chunk *next;
    size_t used, size;
    alignas(max_align_t) char data[];
};

struct node_slab {
    struct node_slab *next;
    size_t used, size;
    struct node node[];
};

static char *arena_take(struct tree *t, size_t size, size_t align)
{
    struct arena_chunk *chunk = t->arena;
    size_t at = chunk ? (chunk->used + align - 1) / align * align : 0;

    if (!chunk || at > chunk->size || size > chunk->size - at) {
        size_t room = chunk ? chunk->size * 2 : CHUNK_FIRST;
        if (room > CHUNK_MAX)
            room = CHUNK_MAX;
        if (room < size)
            room = size;
        if (room > SIZE_MAX - sizeof *chunk)
            mem_exhausted();
        chunk = mem_alloc(sizeof *chunk + room);
        chunk->next = t->arena;
        chunk->size = room;
        t->arena = chunk;
        at = 0;
    }
    chunk->used = at + size;
    return chunk->data + at;
}

void *tree_alloc(struct tree *t, size_t size)
{
    return arena_take(t, size, alignof(max_align_t));
}

const char *tree_strdup(struct tree *t, const char *text, size_t len)
{
    char *copy = arena_take(t, len + 1, 1);

    if (len)
        memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

struct node *tree_new_node(struct tree *t, struct node *parent, const char *name, size_t name_len)
{
    struct node_slab *slab = t->slabs;

    if (!slab || slab->used == slab->size) {
        size_t size = slab ? slab->size * 2 : SLAB_FIRST;
        if (size > SLAB_MAX)
            size = SLAB_MAX;
        slab = mem_alloc(sizeof *slab + size * sizeof slab->node[0]);
        slab->next = t->slabs;
        slab->used = 0;
        slab->size = size;
        t->slabs = slab;
    }
    struct node *n = &slab->node[slab->used++];
    *n = (struct node){.parent = parent, .children_known = true};
    n->name = tree_strdup(t, name, name_len);
    return n;
}

struct tree *tree_new(void)
{
    struct tree *t = mem_zero(1, sizeof *t);

    t->root = tree_new_node(t, NULL, "", 0);
    t->root->type = NODE_DIR;
    t->root->mode = 0755;
    t->root->implicit = true;
    t->node_count = 1;
    return t;
}

void tree_free(struct tree *t)
{
    if (!t)
        return;
    tree_dir_free(t->dir);
    while (t->slabs) {
        struct node_slab *slab = t->slabs;
        t->slabs = slab->next;
        for (size_t i = 0; i < slab->used; i++)
            mem_free(slab->node[i].child);
        mem_free(slab);
    }
    while (t->arena) {
        struct arena_chunk *chunk = t->arena;
        t->arena = chunk->next;
        mem_free(chunk);
    }
    mem_free(t);
}

void tree_take_nodes(struct tree *t, struct tree *from)
{
    struct node_slab **slab = &t->slabs;
    struct arena_chunk **chunk = &t->arena;

    /* Behind what `t` is filling. */
    while (*slab)
        slab = &(*slab)->next;
    while (*chunk)
        chunk = &(*chunk)->next;
    *slab = TAKE(from->slabs);
    *chunk = TAKE(from->arena);
    t->node_count += from->node_count - 1; /* its root hangs nowhere */
    tree_free(from);
}

struct node *tree_root(struct tree *t)
{
    return t->root;
}

size_t tree_node_count(const struct tree *t)
{
    return t->node_count;
}

uint32_t tree_new_link_group(struct tree *t)
{
    assert(t->link_groups < UINT32_MAX);
    return ++t->link_groups;
}

/*
 * Children stand in two sorted runs: child[0 … sorted-1] and a short tail of those that came out of order. So
 * a directory of a million names in any order is built without moving the whole array for each of them.
 */

int node_compare(const void *a, const void *b)
{
    const struct node *const *left = a;
    const struct node *const *right = b;

    return strcmp((*left)->name, (*right)->name);
}

/* How many fit in the array of a directory with `count` children, at the least. */
static size_t children_room(size_t count)
{
    size_t room = count ? CHILDREN_FIRST : 0;

    while (room < count)
        room *= 2;
    return room;
}

void node_set_children(struct node *dir, struct node **children, size_t count)
{
    assert(count <= UINT32_MAX);
    mem_free(dir->child);
    dir->child = NULL;
    if (count)
        dir->child = mem_grow(children, children_room(count), sizeof(struct node *));
    else
        mem_free(children);
    dir->child_count = dir->sorted = (uint32_t)count;
}

void node_settle(struct node *dir)
{
    size_t tail_count = dir->child_count - dir->sorted;

    if (tail_count == 0)
        return;
    AUTO(mem_free) struct node **tail = mem_dup(dir->child + dir->sorted, tail_count * sizeof *tail);
    size_t main_left = dir->sorted;
    size_t at = dir->child_count;
    while (tail_count > 0) {
        bool from_main = main_left > 0 && node_compare(&dir->child[main_left - 1], &tail[tail_count - 1]) > 0;
        dir->child[--at] = from_main ? dir->child[--main_left] : tail[--tail_count];
    }
    dir->sorted = dir->child_count;
}

/* Is it in this run? *place is where it is or would be. */
static bool find_in_run(struct node *const *run, size_t count, const char *name, size_t len, size_t *place)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const char *other = run[middle]->name;
        int order = strncmp(other, name, len);
        if (order == 0 && other[len] == '\0') {
            *place = middle;
            return true;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *place = low;
    return false;
}

static struct node *find_child(const struct node *dir, const char *name, size_t len)
{
    size_t at;

    if (dir->child_count == 0)
        return NULL;
    if (find_in_run(dir->child, dir->sorted, name, len, &at))
        return dir->child[at];
    if (find_in_run(dir->child + dir->sorted, dir->child_count - dir->sorted, name, len, &at))
        return dir->child[dir->sorted + at];
    return NULL;
}

static void insert_child(struct node *dir, struct node *n)
{
    size_t len = strlen(n->name);
    size_t count = dir->child_count;
    size_t tail_count = count - dir->sorted;
    size_t at;

    assert(count < UINT32_MAX);
    if (count == children_room(count))
        dir->child = mem_grow(dir->child, children_room(count + 1), sizeof(struct node *));
    (void)find_in_run(dir->child, dir->sorted, n->name, len, &at);
    if (tail_count == 0 && count - at <= SHIFT_MAX) {
        dir->sorted++;
    } else {
        (void)find_in_run(dir->child + dir->sorted, tail_count, n->name, len, &at);
        at += dir->sorted;
        tail_count++;
    }
    memmove(dir->child + at + 1, dir->child + at, (count - at) * sizeof(struct node *));
    dir->child[at] = n;
    dir->child_count++;
    /* The tail may be about four times the root of the whole: moving it and merging it then cost the same. */
    if (tail_count > SHIFT_MAX && tail_count * tail_count / 16 > count)
        node_settle(dir);
}

struct err *tree_children(struct tree *t, struct node *dir, struct node ***out, size_t *count)
{
    if (!dir->children_known)
        TRY(tree_dir_read(t, dir));
    node_settle(dir);
    *out = dir->child;
    *count = dir->child_count;
    return NULL;
}

struct err *tree_child(struct tree *t, struct node *dir, const char *name, size_t name_len, struct node **out)
{
    if (!dir->children_known)
        TRY(tree_dir_read(t, dir));
    *out = find_child(dir, name, name_len);
    return NULL;
}

size_t node_subtree_count(const struct node *n)
{
    size_t count = 1;

    for (size_t i = 0; i < n->child_count; i++)
        count += node_subtree_count(n->child[i]);
    return count;
}

static void drop_children(struct tree *t, struct node *dir)
{
    t->node_count -= node_subtree_count(dir) - 1;
    for (size_t i = 0; i < dir->child_count; i++)
        dir->child[i]->parent = NULL;
    dir->child_count = dir->sorted = 0; /* the array stays, for other children */
}

struct node *tree_add(struct tree *t, struct node *dir, const char *name, size_t name_len,
                      enum node_type type)
{
    struct node *n = find_child(dir, name, name_len);

    assert(dir->type == NODE_DIR && dir->children_known);
    if (!n) {
        n = tree_new_node(t, dir, name, name_len);
        n->type = type;
        insert_child(dir, n);
        t->node_count++;
        return n;
    }
    bool stays = n->type == NODE_DIR && type == NODE_DIR;
    if (!stays)
        drop_children(t, n);
    struct node old = *n;
    *n = (struct node){
        .parent = dir,
        .name = old.name,
        .type = type,
        .opaque = stays && old.opaque,
        .children_known = true,
        .child = old.child,
        .child_count = old.child_count,
        .sorted = old.sorted,
    };
    return n;
}

struct node *tree_make_path(struct tree *t, const char *path)
{
    struct node *at = t->root;

    while (*path) {
        size_t len = strcspn(path, "/");
        if (len == 2 && path[0] == '.' && path[1] == '.') {
            at = at->parent ? at->parent : at;
        } else if (len > 1 || (len == 1 && path[0] != '.')) {
            struct node *child = find_child(at, path, len);
            if (!child || child->type != NODE_DIR) {
                child = tree_add(t, at, path, len, NODE_DIR);
                child->implicit = true;
                child->mode = 0755;
            }
            at = child;
        }
        path += len;
        path += *path == '/';
    }
    return at;
}

void tree_remove(struct tree *t, struct node *n)
{
    struct node *dir = n->parent;
    size_t at = 0;

    assert(dir);
    if (!find_in_run(dir->child, dir->sorted, n->name, strlen(n->name), &at)) {
        (void)find_in_run(dir->child + dir->sorted, dir->child_count - dir->sorted, n->name, strlen(n->name),
                          &at);
        at += dir->sorted;
    } else {
        dir->sorted--;
    }
    assert(at < dir->child_count && dir->child[at] == n);
    memmove(dir->child + at, dir->child + at + 1, (dir->child_count - at - 1) * sizeof(struct node *));
    dir->child_count--;
    t->node_count -= node_subtree_count(n);
    n->parent = NULL;
}
