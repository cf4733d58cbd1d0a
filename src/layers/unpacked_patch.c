/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/str.h"
#include "layers/indexfile.h"
#include "layers/unpacked_inner.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

struct patching {
    struct unpacked *const *layer;
    size_t count;
    enum unpacked_kind kind;
    struct tree *merged;
    struct tree *patch;
    bool thorough; /* other things than directories' metadata differ: all has to be compared */
};

/* By names alone, as a mount sees it. *hidden: something on the way says that what is below does not count.
 */
static struct node *place_of(struct tree *t, const char *path, bool *hidden)
{
    struct node *at = tree_root(t);

    while (at && *path) {
        size_t len = strcspn(path, "/");
        struct node *child = NULL;
        if (at->type == NODE_DIR && tree_child(t, at, path, len, &child))
            child = NULL;
        *hidden = *hidden || at->opaque || at->type != NODE_DIR;
        at = child;
        path += len;
        path += *path == '/';
    }
    return at;
}

static bool is_covered(const struct patching *p, size_t layer, const char *path)
{
    for (size_t i = layer + 1; i < p->count; i++) {
        bool hidden = false;
        if (place_of(unpacked_tree(p->layer[i]), path, &hidden) || hidden)
            return true;
    }
    return false;
}

static struct err *look(const struct unpacked *u, const char *path, struct stat *st)
{
    AUTO(fd_close) int fd = -1;
    struct err *e = fs_open_no_links(&fd, u->fs, path, O_PATH | O_DIRECTORY, 0);

    TRY(e);
    return fstat(fd, st) == 0 ? NULL : err_sys("look at an unpacked layer");
}

static bool shows(const struct patching *p, const struct stat *st, const struct node *m)
{
    bool owned = p->kind == UNPACKED_OURS || (st->st_uid == m->uid && st->st_gid == m->gid);

    return owned && (st->st_mode & 07777) == m->mode && st->st_mtim.tv_sec == m->mtime &&
           (uint32_t)st->st_mtim.tv_nsec == m->mtime_ns;
}

/* The directory of the patch, with the metadata of `m`, and all above it. */
static struct node *patch_dir(struct patching *p, const struct node *m)
{
    if (!m->parent) {
        struct node *root = tree_root(p->patch);
        if (root->implicit)
            node_copy_meta(p->patch, root, m);
        root->implicit = false;
        return root;
    }
    struct node *parent = patch_dir(p, m->parent), *n = NULL;
    struct err *e = tree_child(p->patch, parent, m->name, strlen(m->name), &n);
    if (e || !n) {
        err_free(e); /* never: all of it is in memory */
        n = tree_add(p->patch, parent, m->name, strlen(m->name), NODE_DIR);
        node_copy_meta(p->patch, n, m);
    }
    return n;
}

/* What a layer says only in part: a directory that its tar does not name, a link into layers below. */
static struct err *check_layer(struct patching *p, size_t layer, struct node *n)
{
    for (uint32_t i = 0; i < n->child_count && !p->thorough; i++) {
        struct node *child = n->child[i];
        if (child->type == NODE_DIR)
            TRY(check_layer(p, layer, child));
        if (child->type != NODE_LINK && !child->implicit)
            continue;
        AUTO(mem_free) char *path = node_path(child);
        bool hidden = false;
        if (is_covered(p, layer, path))
            continue;
        struct node *m = place_of(p->merged, path, &hidden);
        if (child->type == NODE_LINK || !m || m->type != NODE_DIR) {
            p->thorough = true;
            return NULL;
        }
        struct stat st;
        TRY(look(p->layer[layer], path, &st));
        if (!shows(p, &st, m))
            (void)patch_dir(p, m);
    }
    return NULL;
}

/* A layer as the mount shows it. */
static struct err *copy_shown(const struct unpacked *u, struct tree *to, struct node *dir, struct node *from)
{
    for (uint32_t i = 0; i < from->child_count; i++) {
        struct node *child = from->child[i];
        if (child->type == NODE_LINK)
            continue;
        struct node *n = tree_add(to, dir, child->name, strlen(child->name), child->type);
        node_copy_meta(to, n, child);
        n->opaque = child->opaque;
        if (child->type != NODE_DIR)
            continue;
        if (child->implicit) {
            AUTO(mem_free) char *path = node_path(child);
            struct stat st;
            TRY(look(u, path, &st));
            n->mode = st.st_mode & 07777;
            n->mtime = st.st_mtim.tv_sec;
            n->mtime_ns = (uint32_t)st.st_mtim.tv_nsec;
        }
        TRY(copy_shown(u, to, n, child));
    }
    return NULL;
}

static bool same(const struct node *a, const struct node *b)
{
    return a->type == b->type && a->mode == b->mode && a->uid == b->uid && a->gid == b->gid &&
           a->mtime == b->mtime && a->mtime_ns == b->mtime_ns && a->xattr_count == b->xattr_count &&
           (a->type != NODE_SYMLINK || str_eq(a->target, b->target)) &&
           (a->type != NODE_FILE || a->content.dir_node == b->content.dir_node);
}

static void add_all(struct patching *p, struct node *dir, const struct node *m)
{
    struct node *n = tree_add(p->patch, dir, m->name, strlen(m->name), m->type);

    node_copy_meta(p->patch, n, m);
    for (uint32_t i = 0; i < m->child_count; i++)
        add_all(p, n, m->child[i]);
}

static struct err *compare(struct patching *p, struct tree *view, struct node *v, struct node *m)
{
    struct node **child, *other;
    size_t count;

    TRY(tree_children(p->merged, m, &child, &count));
    for (size_t i = 0; i < count; i++) {
        TRY(tree_child(view, v, child[i]->name, strlen(child[i]->name), &other));
        bool both = other && other->type == NODE_DIR && child[i]->type == NODE_DIR;
        if (both && !same(other, child[i]))
            (void)patch_dir(p, child[i]);
        if (both)
            TRY(compare(p, view, other, child[i]));
        else if (!other || !same(other, child[i]))
            add_all(p, patch_dir(p, m), child[i]);
    }
    TRY(tree_children(view, v, &child, &count));
    for (size_t i = 0; i < count; i++) {
        TRY(tree_child(p->merged, m, child[i]->name, strlen(child[i]->name), &other));
        if (!other)
            (void)tree_add(p->patch, patch_dir(p, m), child[i]->name, strlen(child[i]->name), NODE_WHITEOUT);
    }
    return NULL;
}

static struct err *compare_all(struct patching *p)
{
    AUTO(tree_free) struct tree *view = tree_new();
    AUTO(tree_free) struct tree *merged = tree_new();
    struct tree *given = p->merged;

    for (size_t i = 0; i < p->count; i++) {
        AUTO(tree_free) struct tree *shown = tree_new();
        struct node *root = tree_root(unpacked_tree(p->layer[i]));
        TRY(copy_shown(p->layer[i], shown, tree_root(shown), root));
        tree_root(shown)->opaque = root->opaque;
        TRY(tree_apply(view, shown, (uint32_t)i));
        TRY(tree_apply(merged, unpacked_tree(p->layer[i]), (uint32_t)i));
    }
    p->merged = merged;
    struct err *e = compare(p, view, tree_root(view), tree_root(merged));
    p->merged = given;
    return e;
}

/* The same layers need another patch where their directories were made in another way. */
static struct err *name_patch(const struct patching *p, struct digest *out)
{
    AUTO_VALUE(buf_wipe) struct buf text = BUF(INDEXFILE_MAX);
    const struct indexfile head = {.beside = true};

    buf_str(&text, "lade patch\n");
    for (size_t i = 0; i < p->count; i++)
        buf_add(&text, p->layer[i]->diff_id.bytes, sizeof p->layer[i]->diff_id.bytes);
    indexfile_write(&text, &head, p->patch);
    *out = digest_of(buf_text(&text), text.len);
    return buf_check(&text, "the index of a layer");
}

struct err *unpacked_patch(struct unpacked **out, int cache_dir, enum unpacked_kind kind,
                           struct unpacked *const *layers, size_t count, struct tree *merged)
{
    AUTO(tree_free) struct tree *patch = tree_new();
    struct patching p = {.layer = layers, .count = count, .kind = kind, .merged = merged, .patch = patch};
    struct digest name;

    *out = NULL;
    for (size_t i = 1; i < count && !p.thorough; i++)
        TRY(check_layer(&p, i, tree_root(unpacked_tree(layers[i]))));
    if (p.thorough) {
        tree_free(patch);
        p.patch = patch = tree_new();
        TRY(compare_all(&p));
    }
    if (tree_node_count(patch) == 1)
        return NULL;
    TRY(name_patch(&p, &name));
    return unpacked_from_tree(out, cache_dir, kind, patch, &name);
}
