/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "layers/spool.h"
#include "layers/tree.h"
#include "layers/tree_inner.h"

#include <string.h>

char *node_path(const struct node *n)
{
    size_t len = 0;

    for (const struct node *at = n; at->parent; at = at->parent)
        len += strlen(at->name) + 1;
    char *path = mem_alloc(len + 1);
    char *end = path + (len ? len - 1 : 0);
    *end = '\0';
    for (const struct node *at = n; at->parent; at = at->parent) {
        size_t part = strlen(at->name);
        end -= part;
        memcpy(end, at->name, part);
        if (end > path)
            *--end = '/';
    }
    return path;
}

void node_set_xattr(struct tree *t, struct node *n, const char *name, const void *value, size_t len)
{
    uint32_t at = 0;

    while (at < n->xattr_count && strcmp(n->xattr[at].name, name) < 0)
        at++;
    if (at == n->xattr_count || strcmp(n->xattr[at].name, name) != 0) {
        struct xattr *more = tree_alloc(t, (n->xattr_count + 1) * sizeof *more);
        if (n->xattr_count) {
            memcpy(more, n->xattr, at * sizeof *more);
            memcpy(more + at + 1, n->xattr + at, (n->xattr_count - at) * sizeof *more);
        }
        more[at].name = tree_strdup(t, name, strlen(name));
        n->xattr = more;
        n->xattr_count++;
    }
    n->xattr[at].value = tree_strdup(t, value, len);
    n->xattr[at].value_len = (uint32_t)len;
}

void node_drop_xattrs(struct node *n, bool (*keep)(const char *name))
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < n->xattr_count; i++)
        if (keep && keep(n->xattr[i].name))
            n->xattr[kept++] = n->xattr[i];
    n->xattr_count = kept;
}

static void copy_xattrs(struct tree *t, struct node *to, const struct node *from)
{
    struct xattr *copy = from->xattr_count ? tree_alloc(t, from->xattr_count * sizeof *copy) : NULL;

    for (uint32_t i = 0; i < from->xattr_count; i++) {
        copy[i] = from->xattr[i];
        copy[i].name = tree_strdup(t, copy[i].name, strlen(copy[i].name));
        copy[i].value = tree_strdup(t, copy[i].value, copy[i].value_len);
    }
    to->xattr = copy;
    to->xattr_count = from->xattr_count;
}

void node_copy_meta(struct tree *t, struct node *to, const struct node *from)
{
    to->type = from->type;
    to->mode = from->mode;
    to->uid = from->uid;
    to->gid = from->gid;
    to->device_major = from->device_major;
    to->device_minor = from->device_minor;
    to->mtime = from->mtime;
    to->mtime_ns = from->mtime_ns;
    to->size = from->size;
    to->target = from->target ? tree_strdup(t, from->target, strlen(from->target)) : NULL;
    copy_xattrs(t, to, from);
    to->content = from->content;
    if (from->content.kind == CONTENT_MEM)
        to->content.mem = tree_strdup(t, from->content.mem, (size_t)from->size);
}

struct err *node_open(const struct node *n, struct source **out)
{
    switch (n->content.kind) {
    case CONTENT_NONE:
        *out = source_mem("", 0);
        return NULL;
    case CONTENT_DIR:
        return tree_dir_open_file(n, out);
    case CONTENT_SPOOL:
        *out = spool_open(n->content.spool, n->content.offset, n->size);
        return NULL;
    case CONTENT_MEM:
        *out = source_mem(n->content.mem, (size_t)n->size);
        return NULL;
    case CONTENT_LAYER:
        break;
    }
    AUTO(mem_free) char *path = node_path(n);
    return err_new(ERR_INTERNAL, "open %s: it is still packed in its layer", path);
}

static void settle_below(struct node *n)
{
    node_settle(n);
    for (uint32_t i = 0; i < n->child_count; i++)
        settle_below(n->child[i]);
}

void tree_settle(struct tree *t)
{
    settle_below(tree_root(t));
}
