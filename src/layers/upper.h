/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_UPPER_H
#define LADE_LAYERS_UPPER_H

#include "base/attr.h"
#include "base/err.h"
#include "base/owner.h"
#include "layers/tree.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * What a command changed, from the upper directory of the overlay that it ran on: the tree of a layer, whose
 * contents are files in that directory (CONTENT_DIR; the tree owns the descriptor). Whiteouts and opaque
 * marks appear where a layer below has something to hide; names that were hard-linked together are; a
 * directory or file that was copied up and is as it was below is left out (implicit, where something below it
 * changed). Attributes of overlay itself do not appear; file capabilities appear in their portable form
 * (version 2).
 *
 * The directory is put in order too, so that whoever runs a command on top of it sees what the image says:
 * times later than the epoch become it. Files that are ours but that we may not read (mode 0000 made by an
 * emulated root) are read all the same.
 */
struct upper_options {
    struct tree *lower;              /* merged, of all layers below */
    const struct owner_list *owners; /* sorted; NULL: the file system says it (UNPACKED_REAL) */
    bool keep_times;                 /* else times later than … */
    int64_t epoch;                   /* … become this */
};
MUST_USE struct err *upper_tree(struct tree **out, int dirfd, const struct upper_options *options);

#endif
