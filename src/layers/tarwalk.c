/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/tarwalk.h"

#include "base/mem.h"
#include "base/stop.h"
#include "base/str.h"
#include "layers/linkfirst.h"
#include "layers/tarheader.h"

#include <string.h>

#define WHITEOUT ".wh."
#define OPAQUE_MARK ".wh..wh..opq"

struct walker {
    const struct tarwalk *to;
    struct tree *tree;
    struct buf headers; /* of the entry */
    struct buf path;    /* of the directory that is being written, with "/" at its end; "" for the root */
    struct linkfirst first;
};

static void walker_wipe(struct walker *w)
{
    buf_wipe(&w->headers);
    buf_wipe(&w->path);
    linkfirst_wipe(&w->first);
}

static struct err *put(struct walker *w, const struct tar_entry *entry, const struct node *content)
{
    buf_clear(&w->headers);
    TRY(tarheader_write(&w->headers, entry));
    return w->to->entry(w->to->ctx, entry, &w->headers, content);
}

static enum tar_type type_of(const struct node *n)
{
    switch (n->type) {
    case NODE_FILE:
    case NODE_WHITEOUT:
        return TAR_FILE;
    case NODE_DIR:
        return TAR_DIR;
    case NODE_SYMLINK:
        return TAR_SYMLINK;
    case NODE_CHAR:
        return TAR_CHAR;
    case NODE_BLOCK:
        return TAR_BLOCK_DEVICE;
    case NODE_FIFO:
    case NODE_LINK:
        break;
    }
    return TAR_FIFO;
}

static struct err *put_node(struct walker *w, const struct node *n, const char *path)
{
    const struct node *first = linkfirst_of(&w->first, w->tree, n);
    bool linked = first != n;
    bool device = n->type == NODE_CHAR || n->type == NODE_BLOCK;
    AUTO(mem_free) char *first_path = linked ? node_path(first) : NULL;
    struct tar_entry entry = {
        .type = linked ? TAR_HARD_LINK : type_of(n),
        .name = path,
        .link = n->type == NODE_SYMLINK ? n->target : NULL,
        .mode = n->type == NODE_SYMLINK ? 0777 : first->mode,
        .uid = first->uid,
        .gid = first->gid,
        .size = n->type == NODE_FILE && !linked ? n->size : 0,
        .mtime = first->mtime,
        .device_major = device && !linked ? n->device_major : 0,
        .device_minor = device && !linked ? n->device_minor : 0,
        .xattr = linked ? NULL : n->xattr,
        .xattr_count = linked ? 0 : n->xattr_count,
    };

    if (linked)
        entry.link = first_path;
    return put(w, &entry, entry.size > 0 ? n : NULL);
}

/* An empty file with a name that says what is not there. */
static struct err *put_mark(struct walker *w, const char *name, int64_t mtime)
{
    AUTO(mem_free) char *path = mem_printf("%s%s", buf_text(&w->path), name);
    struct tar_entry entry = {.type = TAR_FILE, .name = path, .mtime = mtime};

    return put(w, &entry, NULL);
}

static struct err *put_marks(struct walker *w, const struct node *dir, struct node **child, size_t count)
{
    if (dir->opaque)
        TRY(put_mark(w, OPAQUE_MARK, dir->mtime));
    for (size_t i = 0; i < count; i++) {
        if (child[i]->type != NODE_WHITEOUT)
            continue;
        AUTO(mem_free) char *name = mem_printf(WHITEOUT "%s", child[i]->name);
        TRY(put_mark(w, name, child[i]->mtime));
    }
    return NULL;
}

static struct err *check_name(const struct walker *w, const struct node *n)
{
    if (!str_starts(n->name, WHITEOUT))
        return NULL;
    AUTO(mem_free) char *path = mem_printf("%s%s", buf_text(&w->path), n->name);
    AUTO(mem_free) char *safe = str_safe(path);
    return err_hint(
        err_new(ERR_INPUT, "%s: names that begin with \"" WHITEOUT "\" are reserved in layers", safe),
        "rename the file, or leave it out with .dockerignore");
}

static struct err *put_children(struct walker *w, struct node *dir)
{
    struct node **child;
    size_t count;
    size_t parent_len = w->path.len;

    TRY(tree_children(w->tree, dir, &child, &count));
    for (size_t i = 0; i < count; i++)
        TRY(check_name(w, child[i]));
    TRY(put_marks(w, dir, child, count));
    for (size_t i = 0; i < count; i++) {
        struct node *n = child[i];
        if (n->type == NODE_WHITEOUT || (w->to->skip && w->to->skip(n)))
            continue;
        TRY(stop_check());
        buf_str(&w->path, n->name);
        if (n->type == NODE_DIR)
            buf_byte(&w->path, '/');
        if (n->type != NODE_DIR || !n->implicit)
            TRY(put_node(w, n, buf_text(&w->path)));
        if (n->type == NODE_DIR)
            TRY(put_children(w, n));
        w->path.len = parent_len;
        if (w->path.data)
            w->path.data[parent_len] = '\0';
    }
    return NULL;
}

struct err *tarwalk_tree(struct tree *t, const struct tarwalk *walk)
{
    AUTO_VALUE(walker_wipe)
    struct walker w = {.to = walk, .tree = t, .headers = BUF(BUF_NO_LIMIT), .path = BUF(BUF_NO_LIMIT)};

    if (walk->with_root)
        TRY(put_node(&w, tree_root(t), "./"));
    return put_children(&w, tree_root(t));
}
