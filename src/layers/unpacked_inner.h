/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_UNPACKED_INNER_H
#define LADE_LAYERS_UNPACKED_INNER_H

#include "base/attr.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/fs.h"
#include "layers/linkfirst.h"
#include "layers/tree.h"
#include "layers/unpacked.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the sources of unpacked layers share. */

#define UNPACKED_FS "fs"
#define UNPACKED_INDEX "index"
#define UNPACKED_BOOT "boot"
#define UNPACKED_STAGE "stage" /* while it is being made: files whose place is not certain yet */
/* Whiteouts where file systems cannot have those of overlays, as in tars: a file with this before the name
 * that it hides, and one that makes its directory opaque. */
#define UNPACK_MARK ".wh."
#define UNPACK_MARK_OPAQUE ".wh..opq"

struct unpacked {
    int dir; /* locked, shared */
    int fs;
    char *path; /* of fs */
    struct digest diff_id;
    struct tree *tree;
};

struct unpacking {
    enum unpacked_kind kind;
    int cache, folder;      /* $LADE_CACHE, and in it where all of them are */
    char name[FS_NEW_NAME]; /* "": it has its own now */
    int dir;                /* locked, shared */
    int fs;
    char *upper, *work, *root; /* absolute paths */
};

/* KIND-ALGORITHM-HEX. New string. */
char *unpacked_name(enum unpacked_kind kind, const struct digest *diff_id);
MUST_USE struct err *unpacked_folder(int *out, int cache_dir);
/* Open what has this name and keep others from removing it. *out is -1 when it is not there. */
MUST_USE struct err *unpacked_hold(int *out, int folder, const char *name);
/* Give it to a name for what is unfinished and remove it. */
MUST_USE struct err *unpacked_remove(int folder, const char *name);
/* The absolute path of what is open. */
MUST_USE struct err *unpacked_path_of(char **out, int fd);

/* The text of `boot`: which boot of the machine this is, and the size. When nobody says which boot it is,
 * everything is synced to the disk instead. */
MUST_USE struct err *unpacked_boot_write(int dir, uint64_t bytes);
char *unpacked_this_boot(void); /* new string; NULL when nobody says */
/* *bytes is set (0 when the text is damaged) in any case; *ours: this boot made it, or it was synced. */
MUST_USE struct err *unpacked_boot_read(int dir, const char *boot, bool *ours, uint64_t *bytes);

/* `bytes` were added: keep all of them below what a cache may take of its file system. */
MUST_USE struct err *unpacked_trim(int cache_dir, uint64_t bytes);

/* An empty directory with a name of its own, and in it an empty `fs`. */
MUST_USE struct err *unpacking_new(struct unpacking **out, int cache_dir, enum unpacked_kind kind);
/* Write what stands beside `fs`, give the directory its name, and open it; or what somebody else gave that
 * name before. `blob`: what it came from, may be NULL. */
MUST_USE struct err *unpacking_publish(struct unpacked **out, struct unpacking *u, struct tree *layer,
                                       const struct digest *diff_id, const struct digest *blob);

/* Writing a tree's files. `stage` is a directory on the same file system, or -1. */
struct unpack_writer {
    struct tree *tree;
    enum unpacked_kind kind;
    int stage;
    bool packed; /* the contents stand in `stage`, each under the number of its entry, with their metadata */
    struct linkfirst first;
};
/* Make a file with the metadata that come before its bytes (unpack_create), and those that come after
 * (unpack_close, which closes it too). */
MUST_USE struct err *unpack_create(int *out, int dir, const char *name, const struct node *n);
MUST_USE struct err *unpack_close(const struct unpack_writer *w, const struct node *n, int *fd);
/* Owner, attributes, mode and time of what is open. */
MUST_USE struct err *unpack_meta(const struct unpack_writer *w, const struct node *n, int fd);
/* All of the tree into the empty directory `fs`. */
MUST_USE struct err *unpack_tree(struct unpack_writer *w, int *fs);
MUST_USE struct err *unpack_error(const char *doing, const struct node *n);

#define UNPACK_NAME 24 /* of a file in the stage */
void unpack_stage_name(char name[UNPACK_NAME], uint32_t number);

#endif
