/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_TREE_H
#define LADE_LAYERS_TREE_H

#include "base/attr.h"
#include "base/err.h"
#include "base/io.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A file tree in memory: names and metadata, with content elsewhere. One form serves everywhere: a context
 * directory (children are read when somebody looks), a context or archive that came as a tar, what a layer
 * adds, and the merged tree of a stage.
 *
 * Nodes belong to their tree and live as long as it. Names are bytes without "/" and NUL. Children are kept
 * in the order of bytes, which is also the order in which layers are written.
 */
struct tree;
struct spool;
struct blobfile;

/* NODE_LINK stands only in the tree of a layer that was read: a hard link to a file of a layer below,
 * resolved by tree_apply. */
enum node_type {
    NODE_FILE,
    NODE_DIR,
    NODE_SYMLINK,
    NODE_CHAR,
    NODE_BLOCK,
    NODE_FIFO,
    NODE_WHITEOUT,
    NODE_LINK
};

/* Where the bytes of a regular file are. */
enum content_kind {
    CONTENT_NONE,  /* an empty file, or not a file */
    CONTENT_DIR,   /* in the directory that the tree was opened on, at this node's path there */
    CONTENT_SPOOL, /* in `spool` at `offset` */
    CONTENT_MEM,   /* `mem`, owned by the tree */
    CONTENT_LAYER, /* in layer number `layer` of the stage (base first), still packed: spool it before reading
                    */
};
struct content {
    enum content_kind kind;
    uint32_t layer;
    union {
        uint32_t entry;  /* CONTENT_LAYER: which entry of that layer, in the order of its tar, from 0 */
        uint64_t offset; /* CONTENT_SPOOL; CONTENT_DIR: ctime, which is compared when the file is read */
    };
    union {
        struct spool *spool; /* CONTENT_SPOOL; borrowed, outlives the tree */
        struct tree *dir;    /* CONTENT_DIR: the tree of the directory; borrowed */
        const char *mem;     /* CONTENT_MEM */
    };
    struct node *dir_node; /* CONTENT_DIR: the node there */
    uint64_t inode; /* CONTENT_DIR: 0 when inode, size and times do not tell whether a file was changed */
};

struct xattr {
    const char *name;
    const char *value;
    uint32_t value_len;
};

/* There are many of these: its members stand so that none needs padding. */
struct node {
    struct node *parent; /* NULL: the root */
    const char *name;    /* "" for the root */
    enum node_type type;
    bool opaque;         /* a directory in a layer: hides what lies below it in lower layers (.wh..wh..opq) */
    bool implicit;       /* made up because a tar names children only; not written to a layer */
    bool children_known; /* directories: `child` is complete */
    bool has_sockets;    /* a directory on disk: sockets in it were left out */
    uint32_t mode;       /* 07777 only */
    uint32_t uid, gid;
    uint32_t device_major, device_minor;
    uint32_t link_group; /* 0: none; the same number: hard links of one file (same content) */
    int64_t mtime;
    uint32_t mtime_ns;
    uint32_t sorted;     /* of tree.c: how many of `child` are in the main run */
    uint64_t size;       /* regular files */
    const char *target;  /* symbolic links; NODE_LINK: the path of the file */
    struct xattr *xattr; /* sorted by name */
    uint32_t xattr_count;
    uint32_t child_count; /* read both by tree_children only, which puts them in order */
    struct node **child;
    struct content content;
};

/* An empty tree: a root directory, 0755, 0:0, implicit. */
struct tree *tree_new(void);
void tree_free(struct tree *t);
AUTO_DEFINE(struct tree *, tree_free)
struct node *tree_root(struct tree *t);

/* The children, read from the directory on first use; sorted. */
MUST_USE struct err *tree_children(struct tree *t, struct node *dir, struct node ***out, size_t *count);
/* All below a directory will be looked at: read it now, on several threads. Nobody else may use the tree
 * meanwhile. What cannot be read is left to whoever looks at it. */
void tree_read_ahead(struct tree *t, struct node *dir);
/* A direct child by name; *out NULL when there is none. */
MUST_USE struct err *tree_child(struct tree *t, struct node *dir, const char *name, size_t name_len,
                                struct node **out);

/* Look a path up (leading and repeated slashes are nothing; "." and ".." are resolved against the root, never
 * above it). Links in parents are followed within the tree, at most 255; the last component only with
 * `follow`. *out NULL when something is absent or a parent is no directory; ERR_INPUT for a loop of links. A
 * whiteout is an absence. */
MUST_USE struct err *tree_lookup(struct tree *t, const char *path, bool follow, struct node **out);
/* Where `path` would be: links resolved as far as it exists, the rest appended lexically. New string without
 * leading slash, "" for the root. `follow` as above. */
MUST_USE struct err *tree_resolve(struct tree *t, const char *path, bool follow, char **out);

/* The path of a node from the root, without leading slash. New string. */
char *node_path(const struct node *n);

/* A child of `dir` named `name`, new or (same name) cleared and reused; its children stay only when it was a
 * directory and the caller says it is one again, and then it stays opaque. All else is zero. */
struct node *tree_add(struct tree *t, struct node *dir, const char *name, size_t name_len,
                      enum node_type type);
/* Walk/make directories along `path` (lexical, no links); missing ones, and what is no directory, become
 * implicit directories 0755 0:0. Not for a tree over a directory. */
struct node *tree_make_path(struct tree *t, const char *path);
void tree_remove(struct tree *t, struct node *n);
/* Copy the type, all metadata, content reference, xattrs and link target, but not name, children, link group
 * and the marks `opaque` and `implicit`. */
void node_copy_meta(struct tree *t, struct node *to, const struct node *from);
void node_set_xattr(struct tree *t, struct node *n, const char *name, const void *value, size_t len);
void node_drop_xattrs(struct node *n, bool (*keep)(const char *name));
const char *tree_strdup(struct tree *t, const char *text, size_t len); /* lives as long as the tree */
uint32_t tree_new_link_group(struct tree *t);
size_t tree_node_count(const struct tree *t);
/* Bring a tree in memory into its final form: from then on, several threads may read it at once. */
void tree_settle(struct tree *t);

/* Put `layer` on top of `base`: whiteouts and opaque directories remove, entries add or replace (a directory
 * over a directory keeps the children). An implicit directory where `base` has a link goes where the link
 * leads. CONTENT_LAYER content of the added nodes gets layer number `number`; link groups get new numbers.
 * `layer` is not changed. ERR_INPUT for a hard link to a file that `base` does not have. (OCI image-spec
 * layer.md) */
MUST_USE struct err *tree_apply(struct tree *base, const struct tree *layer, uint32_t number);

/* A tree over a directory. `skip` (may be NULL) says which paths (relative, no leading slash) are not there:
 * return true to leave the node out. A directory that is left out may still be looked into when *enter is set
 * true (ignore files with exceptions). Devices, FIFOs and sockets appear as nodes of their type (sockets are
 * left out). The descriptor is taken over. Owners, modes, times, links, user.* and security.capability xattrs
 * are read with the node. ERR_… of the system with the path. */
struct tree_dir_options {
    bool (*skip)(void *ctx, const char *path, bool is_dir, bool *enter);
    void *ctx;
    bool trust_times; /* inode, size and times tell whether a file was changed, whatever the file system */
};
MUST_USE struct err *tree_open_dir(struct tree **out, int dirfd_take, const struct tree_dir_options *options);

/* Open a regular file's bytes for reading: exactly n->size bytes, ERR_CONFLICT "changed while it was read"
 * when the file is no longer what was seen. Not for CONTENT_LAYER. */
MUST_USE struct err *node_open(const struct node *n, struct source **out);

#endif
