/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_UPPER_INNER_H
#define LADE_LAYERS_UPPER_INNER_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "layers/tree.h"
#include "layers/tree_dir.h"
#include "layers/upper.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

/* What the sources of upper.h share. */

/* The names of one inode. */
struct upper_links {
    struct node *first;
    uint32_t count;
};

struct upper {
    const struct upper_options *options;
    struct tree *tree;
    struct buf path; /* of the entry at hand */
    struct inodes inodes;
    struct upper_links *links; /* by link group, of which 0 is none */
    size_t links_count;
    char *names, *value; /* room for reading attributes */
};

/* An entry of the upper directory. */
struct upper_entry {
    int dir; /* where it is */
    const char *name;
    struct stat st;
    struct node *low; /* what the layers below have at this path; NULL: nothing, or it is hidden */
    struct node *node;
};

MUST_USE struct err *upper_error(const struct upper *u, const char *doing);

/* upper_meta.c: all of a node but its children and its content, owners by the list; *opaque is for
 * directories. For a directory, `fd` is it; for anything else -1. */
MUST_USE struct err *upper_meta(struct upper *u, const struct upper_entry *e, int fd, bool *opaque);
/* Does it say what the layer below says, once its time is that of the epoch? */
bool upper_same_meta(const struct upper *u, const struct node *n, const struct node *low);
/* The time that the layer gets: *changed when it is another than the node's. */
void upper_clamp_time(const struct upper *u, struct node *n, bool *changed);
/* The bytes too. A file still packed in its layer is never the same. */
MUST_USE struct err *upper_same_bytes(const struct upper *u, const struct upper_entry *e, bool *same);

#endif
