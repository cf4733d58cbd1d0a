/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/scan.h"

#include "base/mem.h"
#include "base/str.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define LINK_GROUPS_MIN 64

struct scan {
    const struct scan_options *options;
    struct tree *before, *after, *layer;
    uint32_t *group; /* what link groups of `after` are in the layer; 0: not met yet */
    size_t group_room;
};

static struct err *read_all(struct tree *t, struct node *dir)
{
    struct node **child = NULL;
    size_t count = 0;
    TRY(tree_children(t, dir, &child, &count));
    for (size_t i = 0; i < count; i++)
        if (child[i]->type == NODE_DIR)
            TRY(read_all(t, child[i]));
    return NULL;
}

struct err *scan_take(struct tree **out, int dirfd)
{
    AUTO(tree_free) struct tree *t = NULL;
    struct tree_dir_options options = {0};
    int copy = fcntl(dirfd, F_DUPFD_CLOEXEC, 0);
    if (copy < 0)
        return err_sys("read the files of a command");
    TRY(tree_open_dir(&t, copy, &options));
    TRY(read_all(t, tree_root(t)));
    *out = TAKE(t);
    return NULL;
}

/* The owner, and the device that an empty file stands for. */
static void apply_owner(struct node *n, const struct owner_list *owners)
{
    if (!owners)
        return;
    AUTO(mem_free) char *path = node_path(n);
    const struct owner *o = owner_list_find(owners, path);
    n->uid = o ? o->uid : 0;
    n->gid = o ? o->gid : 0;
    if (!o || !o->device_type || n->type != NODE_FILE)
        return;
    n->type = o->device_type == S_IFCHR ? NODE_CHAR : NODE_BLOCK;
    n->device_major = o->device_major;
    n->device_minor = o->device_minor;
}

static void clamp(const struct scan *s, struct node *n)
{
    if (s->options->keep_times ||
        (n->mtime < s->options->epoch || (n->mtime == s->options->epoch && n->mtime_ns == 0)))
        return;
    n->mtime = s->options->epoch;
    n->mtime_ns = 0;
}

/* As a layer has it. The node itself stays what was seen: its content is compared with it when it is read. */
static struct node as_layer(const struct scan *s, const struct node *n, const struct owner_list *owners)
{
    struct node copy = *n;
    apply_owner(&copy, owners);
    clamp(s, &copy);
    return copy;
}

static bool same_xattrs(const struct node *a, const struct node *b)
{
    if (a->xattr_count != b->xattr_count)
        return false;
    for (uint32_t i = 0; i < a->xattr_count; i++)
        if (!str_eq(a->xattr[i].name, b->xattr[i].name) || a->xattr[i].value_len != b->xattr[i].value_len ||
            memcmp(a->xattr[i].value, b->xattr[i].value, a->xattr[i].value_len) != 0)
            return false;
    return true;
}

/* A file's change time moves with every write, and nobody can set it back. */
static bool same(const struct node *a, const struct node *b)
{
    if (a->type != b->type || a->mode != b->mode || a->uid != b->uid || a->gid != b->gid ||
        a->mtime != b->mtime || a->mtime_ns != b->mtime_ns || a->device_major != b->device_major ||
        a->device_minor != b->device_minor || !same_xattrs(a, b))
        return false;
    if (a->type == NODE_SYMLINK)
        return str_eq(a->target, b->target);
    return a->type != NODE_FILE || (a->size == b->size && a->content.offset == b->content.offset &&
                                    a->content.inode == b->content.inode);
}

static uint32_t group_of(struct scan *s, uint32_t theirs)
{
    if (theirs == 0)
        return 0;
    while (theirs >= s->group_room) {
        size_t room = s->group_room ? s->group_room * 2 : LINK_GROUPS_MIN;
        s->group = mem_grow(s->group, room, sizeof *s->group);
        memset(s->group + s->group_room, 0, (room - s->group_room) * sizeof *s->group);
        s->group_room = room;
    }
    if (s->group[theirs] == 0)
        s->group[theirs] = tree_new_link_group(s->layer);
    return s->group[theirs];
}

static struct node *add(struct scan *s, struct node *to, const struct node *n, bool changed)
{
    struct node *made = tree_add(s->layer, to, n->name, strlen(n->name), n->type);
    node_copy_meta(s->layer, made, n);
    made->implicit = !changed;
    made->link_group = group_of(s, n->link_group);
    return made;
}

static struct err *compare_dir(struct scan *s, struct node *to, struct node *before, struct node *after);

/* `old` NULL: it is new. */
static struct err *compare_node(struct scan *s, struct node *to, struct node *old, struct node *n)
{
    struct node now = as_layer(s, n, s->options->owners_after);
    bool changed = true;
    if (old) {
        struct node then = as_layer(s, old, s->options->owners_before);
        changed = !same(&then, &now);
    }
    if (n->type != NODE_DIR) {
        if (changed)
            add(s, to, &now, true);
        return NULL;
    }
    struct node *made = add(s, to, &now, changed);
    TRY(compare_dir(s, made, old && old->type == NODE_DIR ? old : NULL, n));
    if (!changed && made->child_count == 0)
        tree_remove(s->layer, made);
    return NULL;
}

static struct err *compare_dir(struct scan *s, struct node *to, struct node *before, struct node *after)
{
    struct node **child = NULL;
    size_t count = 0;
    TRY(tree_children(s->after, after, &child, &count));
    for (size_t i = 0; i < count; i++) {
        struct node *old = NULL;
        if (before)
            TRY(tree_child(s->before, before, child[i]->name, strlen(child[i]->name), &old));
        TRY(compare_node(s, to, old, child[i]));
    }
    if (!before)
        return NULL;
    TRY(tree_children(s->before, before, &child, &count));
    for (size_t i = 0; i < count; i++) {
        struct node *there = NULL;
        TRY(tree_child(s->after, after, child[i]->name, strlen(child[i]->name), &there));
        if (!there)
            tree_add(s->layer, to, child[i]->name, strlen(child[i]->name), NODE_WHITEOUT);
    }
    return NULL;
}

struct err *scan_compare(struct tree **layer, struct tree *before, struct tree *after,
                         const struct scan_options *options)
{
    AUTO(tree_free) struct tree *made = tree_new();
    struct scan s = {.options = options, .before = before, .after = after, .layer = made};
    struct err *e = compare_dir(&s, tree_root(made), tree_root(before), tree_root(after));
    free(s.group);
    TRY(e);
    *layer = TAKE(made);
    return NULL;
}
