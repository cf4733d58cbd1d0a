/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_TREE_DIR_H
#define LADE_LAYERS_TREE_DIR_H

#include "base/attr.h"
#include "base/err.h"
#include "base/lock.h"
#include "layers/tree.h"

#include <sys/stat.h>
#include <sys/types.h>

/* What the sources of the tree over a directory (tree_dir*.c) share. */

/* Which inodes with several names were seen, and as which link group. */
struct inode_group {
    dev_t device;
    ino_t inode;
    uint32_t group; /* 0: a free place */
};
struct inodes {
    struct inode_group *slot;
    size_t count;
    size_t size; /* of the table, a power of two */
};
uint32_t inodes_group(struct inodes *inodes, struct tree *t, dev_t device, ino_t inode);
void inodes_wipe(struct inodes *inodes);

/* False: none that a tree may have, a socket. */
bool tree_dir_type(mode_t mode, enum node_type *type);

/* What one thread needs to read directories. */
struct dir_reader {
    struct tree *tree;  /* of the directory */
    struct tree *store; /* where nodes are made: `tree`, or one of the thread's own, for tree_take_nodes */
    char *entries;      /* room for reading them, made on first use; so the next two */
    char *xattr_names, *xattr_value;
    bool no_listxattrat; /* the system call is not there */
};
void dir_reader_wipe(struct dir_reader *r);
/* tree_dir_read by any thread; no other one reads this directory. */
MUST_USE struct err *dir_reader_read(struct dir_reader *r, struct node *dir);
/* The xattrs that layers keep, of `name` in the directory `fd`. `path` is for messages. */
MUST_USE struct err *dir_reader_xattrs(struct dir_reader *r, struct node *n, int fd, const char *name,
                                       const char *path);

struct tree_dir {
    int fd;
    dev_t device;
    bool times_tell; /* on this device a file with the same inode, size and times is unchanged */
    struct tree_dir_options options;
    struct lock *lock; /* of `inodes`, the tree's count of link groups, and calls of options.skip */
    struct inodes inodes;
    struct dir_reader reader; /* of tree_dir_read */
};

/* When the inode was changed last, in ns; to be compared only. */
int64_t tree_dir_change_time(const struct stat *st);

MUST_USE struct err *tree_dir_error(const char *doing,
                                    const char *path); /* err_sys with the path made safe */
MUST_USE struct err *tree_dir_changed(const char *path);
/* The open file is what was seen when its directory was listed: size, mtime, and ctime, which moves with
 * every write and which nobody can set back. Else tree_dir_changed. */
MUST_USE struct err *tree_dir_check_unchanged(const struct node *n, int fd);

#endif
