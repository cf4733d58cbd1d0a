/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_TESTS_TARLIST_H
#define LADE_TESTS_TARLIST_H

#include "base/buf.h"
#include "base/codec.h"
#include "base/mem.h"
#include "layers/tree.h"

#include <inttypes.h>
#include <string.h>

/*
 * What a tar of a tree must hold, by the rules of doc/formats.md and without looking at the tar: a line for
 * each entry, in order, which tar_readers.py reads. type, name, mode, uid, gid, size, mtime, link, major,
 * minor, content, then xattrs as name=value; texts in hex. Contents are CONTENT_MEM.
 */
struct tarlist_line {
    char type;
    const char *path, *link;
    uint32_t mode, uid, gid, device_major, device_minor;
    uint64_t size;
    int64_t mtime;
    const void *content; /* of `size` bytes; NULL: none */
    const struct xattr *xattr;
    uint32_t xattr_count;
};

static inline void tarlist_hex(struct buf *out, const char *data, size_t len)
{
    AUTO(mem_free) char *hex = mem_alloc(2 * len + 1);

    codec_hex(data, len, hex);
    buf_str(out, hex);
}

static inline void tarlist_put(struct buf *out, const struct tarlist_line *line)
{
    buf_printf(out, "%c\t", line->type);
    tarlist_hex(out, line->path, strlen(line->path));
    buf_printf(out, "\t%o\t%u\t%u\t%" PRIu64 "\t%" PRId64 "\t", line->mode, line->uid, line->gid, line->size,
               line->mtime);
    tarlist_hex(out, line->link, strlen(line->link));
    buf_printf(out, "\t%u\t%u\t", line->device_major, line->device_minor);
    if (line->content)
        tarlist_hex(out, line->content, (size_t)line->size);
    for (uint32_t i = 0; i < line->xattr_count; i++) {
        buf_printf(out, "\t%s=", line->xattr[i].name);
        tarlist_hex(out, line->xattr[i].value, line->xattr[i].value_len);
    }
    buf_byte(out, '\n');
}

struct tarlist {
    struct buf out;
    struct tree *tree;
    char **first; /* of each link group */
    const struct node **first_node;
    size_t groups;
};

static inline void tarlist_node(struct tarlist *l, char type, const char *path, const struct node *n,
                                const char *link)
{
    bool device = type == '3' || type == '4';
    bool file = type == '0' && n->type == NODE_FILE;
    bool mark = n->type == NODE_WHITEOUT || (type == '0' && n->type == NODE_DIR);
    const struct tarlist_line line = {
        .type = type,
        .path = path,
        .link = link,
        .mode = mark          ? 0
                : type == '2' ? 0777
                              : n->mode,
        .uid = mark ? 0 : n->uid,
        .gid = mark ? 0 : n->gid,
        .device_major = device ? n->device_major : 0,
        .device_minor = device ? n->device_minor : 0,
        .size = file ? n->size : 0,
        .mtime = n->mtime,
        .content = file && n->size > 0 ? n->content.mem : NULL,
        .xattr = n->xattr,
        .xattr_count = type == '1' || mark ? 0 : n->xattr_count,
    };

    tarlist_put(&l->out, &line);
}

static inline void tarlist_entry(struct tarlist *l, struct node *n, const char *path)
{
    static const char types[] = {[NODE_FILE] = '0', [NODE_DIR] = '5',   [NODE_SYMLINK] = '2',
                                 [NODE_CHAR] = '3', [NODE_BLOCK] = '4', [NODE_FIFO] = '6'};

    if (n->link_group >= l->groups) {
        size_t more = n->link_group + 64;
        l->first = mem_grow(l->first, more, sizeof *l->first);
        l->first_node = mem_grow(l->first_node, more, sizeof *l->first_node);
        for (; l->groups < more; l->groups++)
            l->first[l->groups] = NULL;
    }
    if (n->link_group && l->first[n->link_group]) {
        tarlist_node(l, '1', path, l->first_node[n->link_group], l->first[n->link_group]);
        return;
    }
    if (n->link_group) {
        l->first[n->link_group] = mem_strdup(path);
        l->first_node[n->link_group] = n;
    }
    tarlist_node(l, types[n->type], path, n, n->target ? n->target : "");
}

static inline struct err *tarlist_children(struct tarlist *l, struct node *dir, const char *prefix)
{
    struct node **child;
    size_t count;

    TRY(tree_children(l->tree, dir, &child, &count));
    if (dir->opaque) {
        AUTO(mem_free) char *path = mem_printf("%s.wh..wh..opq", prefix);
        tarlist_node(l, '0', path, dir, "");
    }
    for (size_t i = 0; i < count; i++) {
        AUTO(mem_free) char *path = mem_printf("%s.wh.%s", prefix, child[i]->name);
        if (child[i]->type == NODE_WHITEOUT)
            tarlist_node(l, '0', path, child[i], "");
    }
    for (size_t i = 0; i < count; i++) {
        bool is_dir = child[i]->type == NODE_DIR;
        AUTO(mem_free) char *path = mem_printf("%s%s%s", prefix, child[i]->name, is_dir ? "/" : "");
        if (child[i]->type == NODE_WHITEOUT)
            continue;
        if (!is_dir || !child[i]->implicit)
            tarlist_entry(l, child[i], path);
        if (is_dir)
            TRY(tarlist_children(l, child[i], path));
    }
    return NULL;
}

/* Appended to `out`. */
static inline struct err *tarlist_tree(struct buf *out, struct tree *t)
{
    struct tarlist l = {.out = *out, .tree = t};
    struct err *e = tarlist_children(&l, tree_root(t), "");

    *out = l.out;
    for (size_t i = 0; i < l.groups; i++)
        mem_free(l.first[i]);
    mem_free(l.first);
    mem_free(l.first_node);
    return e;
}

#endif
