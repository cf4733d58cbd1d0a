/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "builder/copy_inner.h"

#include <assert.h>
#include <string.h>

#define LINKS_MAX 255
#define PATH_BYTES_MAX (64u << 10) /* what links may make of a path on its way */

struct node *copy_visible(const struct copy_place *p)
{
    if (p->added && (!p->added->implicit || !p->old))
        return p->added;
    return p->old;
}

static bool is_dir(const struct copy_place *p)
{
    const struct node *n = copy_visible(p);
    return n && n->type == NODE_DIR;
}

struct copy_place copy_root(const struct copy_run *run)
{
    return (struct copy_place){tree_root(run->layer), run->stage ? tree_root(run->stage) : NULL};
}

struct err *copy_child(struct copy_place *out, const struct copy_run *run, const struct copy_place *dir,
                       const char *name)
{
    struct copy_place child = {0};
    bool hidden = dir->added && (dir->added->type != NODE_DIR || dir->added->opaque);
    if (dir->added && dir->added->type == NODE_DIR)
        TRY(tree_child(run->layer, dir->added, name, strlen(name), &child.added));
    if (dir->old && dir->old->type == NODE_DIR && !hidden)
        TRY(tree_child(run->stage, dir->old, name, strlen(name), &child.old));
    *out = child;
    return NULL;
}

/* A path being resolved: where the names so far lead, and the text that is still to go. */
struct trail {
    const struct copy_run *run;
    const struct copy_place *base;
    struct strlist *names;
    struct copy_place *place;
    size_t room;
    char *rest;
    const char *next;
    unsigned links;
};

static void trail_wipe(struct trail *t)
{
    mem_free(t->place);
    mem_free(t->rest);
}

static struct err *trail_link(struct trail *t, const struct node *link)
{
    if (++t->links > LINKS_MAX || strlen(link->target) + strlen(t->next) > PATH_BYTES_MAX) {
        AUTO(mem_free) char *path = node_path(link);
        AUTO(mem_free) char *shown = str_safe(path);
        return err_new(ERR_INPUT, "/%s: too many symbolic links, or links that lead in a circle", shown);
    }
    while (link->target[0] == '/' && t->names->count > 0)
        strlist_remove(t->names, t->names->count - 1);
    char *rest = mem_printf("%s/%s", link->target, t->next);
    mem_free(t->rest);
    t->rest = rest;
    t->next = rest;
    return NULL;
}

/* One component that is neither "." nor "..". */
static struct err *trail_step(struct trail *t, const char *name)
{
    size_t at = t->names->count;
    assert(at == 0 || t->place);
    struct copy_place here = at ? t->place[at - 1] : *t->base;
    struct copy_place child = {0};
    if (is_dir(&here))
        TRY(copy_child(&child, t->run, &here, name));
    const struct node *n = copy_visible(&child);
    if (n && n->type == NODE_SYMLINK)
        return trail_link(t, n);
    MEM_PUSH(t->place, at, t->room, child);
    strlist_add(t->names, name);
    return NULL;
}

struct err *copy_resolve(struct strlist *names, const struct copy_run *run, const struct copy_place *base,
                         const char *path)
{
    AUTO_VALUE(trail_wipe) struct trail t = {.run = run, .base = base, .names = names};
    t.rest = mem_strdup(path);
    t.next = t.rest;
    strlist_wipe(names);
    for (;;) {
        t.next += strspn(t.next, "/");
        size_t len = strcspn(t.next, "/");
        if (len == 0)
            return NULL;
        AUTO(mem_free) char *name = mem_strndup(t.next, len);
        t.next += len;
        if (str_eq(name, "..") && names->count > 0)
            strlist_remove(names, names->count - 1);
        if (!str_eq(name, ".") && !str_eq(name, ".."))
            TRY(trail_step(&t, name));
        if (names->count > COPY_MAX_DEPTH)
            return err_new(ERR_RESOURCE, "a path has more than %u directories", COPY_MAX_DEPTH);
    }
}

struct err *copy_at(struct copy_place *out, const struct copy_run *run, const struct copy_place *base,
                    const struct strlist *names)
{
    struct copy_place at = *base;
    for (size_t i = 0; i < names->count; i++) {
        struct copy_place child = {0};
        if (is_dir(&at))
            TRY(copy_child(&child, run, &at, names->item[i]));
        at = child;
    }
    *out = at;
    return NULL;
}

/* Like the kernel's: in a set-group-ID directory what is made has its group, unless somebody says otherwise.
 */
static void new_dir(const struct copy_run *run, const struct copy_place *parent, struct node *n,
                    uint32_t mode, const struct account *owner)
{
    const struct node *above = copy_visible(parent);
    n->mode = mode;
    n->uid = owner ? owner->uid : 0;
    n->gid = owner ? owner->gid : above->mode & 02000 ? above->gid : 0;
    n->mtime = run->step->epoch;
}

struct err *copy_make_dirs(struct copy_place *out, struct copy_run *run, const struct copy_place *base,
                           const struct strlist *names, uint32_t mode, const struct account *owner)
{
    struct copy_place at = *base;
    for (size_t i = 0; i < names->count; i++) {
        struct copy_place child = {0};
        TRY(copy_child(&child, run, &at, names->item[i]));
        const struct node *there = copy_visible(&child);
        if (there && there->type != NODE_DIR) {
            AUTO(mem_free) char *shown = copy_shown(at.added, names->item[i]);
            return err_new(ERR_INPUT, "%s is not a directory", shown);
        }
        if (there) {
            copy_enter(run, &at, names->item[i], &child);
        } else {
            new_dir(run, &at, copy_fill(run, &at, names->item[i], &child, NODE_DIR), mode, owner);
        }
        at = child;
    }
    *out = at;
    return NULL;
}

struct node *copy_fill(struct copy_run *run, const struct copy_place *dir, const char *name,
                       struct copy_place *there, enum node_type type)
{
    /* A directory that was replaced and is made again must not show what the stage has below it. */
    bool hides = type == NODE_DIR && there->old && there->old->type == NODE_DIR && there->added &&
                 there->added->type != NODE_DIR;
    there->added = tree_add(run->layer, dir->added, name, strlen(name), type);
    there->added->opaque = there->added->opaque || hides;
    return there->added;
}

void copy_enter(struct copy_run *run, const struct copy_place *dir, const char *name,
                struct copy_place *there)
{
    if (there->added)
        return;
    there->added = tree_add(run->layer, dir->added, name, strlen(name), NODE_DIR);
    there->added->implicit = true;
    there->added->mode = 0755;
}

struct node *copy_touch(struct copy_run *run, struct copy_place *there)
{
    if (there->added->implicit && there->old)
        node_copy_meta(run->layer, there->added, there->old);
    there->added->implicit = false;
    return there->added;
}

static bool same_xattrs(const struct node *a, const struct node *b)
{
    if (a->xattr_count != b->xattr_count)
        return false;
    for (uint32_t i = 0; i < a->xattr_count; i++) {
        const struct xattr *x = &a->xattr[i], *y = &b->xattr[i];
        if (!str_eq(x->name, y->name) || x->value_len != y->value_len ||
            memcmp(x->value, y->value, x->value_len) != 0)
            return false;
    }
    return true;
}

void copy_settle(struct copy_place *there)
{
    struct node *n = there->added;
    const struct node *old = there->old;
    n->implicit = old && old->type == NODE_DIR && !n->opaque && n->mode == old->mode && n->uid == old->uid &&
                  n->gid == old->gid && n->mtime == old->mtime && n->mtime_ns == old->mtime_ns &&
                  same_xattrs(n, old);
}

char *copy_shown(const struct node *dir, const char *name)
{
    AUTO(mem_free) char *path = node_path(dir);
    AUTO(mem_free) char *whole = mem_printf("/%s%s%s", path, *path && *name ? "/" : "", name);
    return str_safe(whole);
}
