/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_APPLY_H
#define LADE_LAYERS_APPLY_H

#include "base/attr.h"
#include "base/err.h"
#include "layers/tree.h"

#include <stdint.h>

/*
 * Write a tree's files under a directory, for -o type=local: everything beneath `dirfd`, parents never
 * followed through links. What stands in the way is replaced, directories are merged; the directory itself
 * keeps its metadata. Modes and times are set. Owners only when we are root; when not, a file of somebody
 * else loses setuid and setgid, which would otherwise be ours. Device nodes and xattrs that the system
 * refuses are skipped and counted.
 */
struct apply_report {
    uint64_t files; /* all but directories */
    uint64_t skipped_devices, skipped_xattrs;
};
MUST_USE struct err *apply_tree(struct tree *t, int dirfd, struct apply_report *report);

#endif
