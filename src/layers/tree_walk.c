/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "layers/tree.h"
#include "layers/tree_inner.h"

#include <string.h>

#define LINKS_MAX 255
/* What links may make of a path on its way. */
#define WALK_MAX (64 * 1024)

/*
 * One walk for tree_lookup and tree_resolve. While it stands on a node, `off` is empty; below the first thing
 * that is absent it goes on lexically in `off`.
 */
struct walk {
    struct tree *tree;
    struct node *at;
    char *off; /* components that exist nowhere, joined by "/" */
    size_t off_len;
    char *rest; /* owned; what is still to walk is from `next` on */
    const char *next;
    unsigned links;
    bool follow;
    bool strict; /* end at the first absence */
};

static void walk_wipe(struct walk *w)
{
    mem_free(w->off);
    mem_free(w->rest);
}

static void off_push(struct walk *w, const char *name, size_t len)
{
    w->off = mem_grow(w->off, w->off_len + len + 2, 1);
    if (w->off_len)
        w->off[w->off_len++] = '/';
    memcpy(w->off + w->off_len, name, len);
    w->off_len += len;
    w->off[w->off_len] = '\0';
}

static void off_pop(struct walk *w)
{
    while (w->off_len > 0 && w->off[w->off_len - 1] != '/')
        w->off_len--;
    if (w->off_len > 0)
        w->off_len--;
    w->off[w->off_len] = '\0';
}

static struct err *follow_link(struct walk *w, const struct node *link)
{
    AUTO(mem_free) char *safe = NULL;
    size_t target_len = strlen(link->target);
    size_t rest_len = strlen(w->next);

    if (++w->links > LINKS_MAX || target_len + rest_len + 2 > WALK_MAX) {
        AUTO(mem_free) char *path = node_path(link);
        safe = str_safe(path);
        return err_new(ERR_INPUT, "%s: too many symbolic links, or links that lead in a circle", safe);
    }
    if (link->target[0] == '/')
        w->at = w->tree->root;
    char *rest = mem_printf("%s/%s", link->target, w->next);
    mem_free(w->rest);
    w->rest = rest;
    w->next = rest;
    return NULL;
}

/* One component that is neither "." nor "..". */
static struct err *step(struct walk *w, const char *name, size_t len, bool last)
{
    struct node *child = NULL;

    if (w->off_len == 0 && w->at->type == NODE_DIR)
        TRY(tree_child(w->tree, w->at, name, len, &child));
    if (!child || child->type == NODE_WHITEOUT) {
        off_push(w, name, len);
        return NULL;
    }
    if (child->type == NODE_SYMLINK && (!last || w->follow))
        return follow_link(w, child);
    w->at = child;
    return NULL;
}

static struct err *walk(struct walk *w, const char *path)
{
    w->at = w->tree->root;
    w->rest = mem_strdup(path);
    w->next = w->rest;
    for (;;) {
        const char *name = w->next + strspn(w->next, "/");
        size_t len = strcspn(name, "/");
        if (len == 0 || (w->strict && w->off_len > 0))
            return NULL;
        w->next = name + len;
        if (w->strict && w->at->type != NODE_DIR) {
            off_push(w, name, len);
        } else if (len == 2 && name[0] == '.' && name[1] == '.') {
            if (w->off_len > 0)
                off_pop(w);
            else if (w->at->parent)
                w->at = w->at->parent;
        } else if (len > 1 || name[0] != '.') {
            TRY(step(w, name, len, w->next[strspn(w->next, "/")] == '\0'));
        }
    }
}

struct err *tree_lookup(struct tree *t, const char *path, bool follow, struct node **out)
{
    AUTO_VALUE(walk_wipe) struct walk w = {.tree = t, .follow = follow, .strict = true};

    TRY(walk(&w, path));
    *out = w.off_len > 0 ? NULL : w.at;
    return NULL;
}

struct err *tree_resolve(struct tree *t, const char *path, bool follow, char **out)
{
    AUTO_VALUE(walk_wipe) struct walk w = {.tree = t, .follow = follow};

    TRY(walk(&w, path));
    AUTO(mem_free) char *known = node_path(w.at);
    if (w.off_len == 0)
        *out = TAKE(known);
    else
        *out = mem_printf("%s%s%s", known, known[0] ? "/" : "", w.off);
    return NULL;
}
