/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_APPLY_H
#define LADE_LAYERS_APPLY_H

#include "base/attr.h"
#include "base/err.h"
#include "layers/tree.h"

/* Write a tree's files under a directory, for -o type=local: everything beneath `dirfd`, parents never followed through links, owners only when we
 * are root, existing files replaced, times and modes set. Device nodes that cannot be made are skipped and counted. */
struct apply_report {
    uint64_t files, skipped_devices;
};
MUST_USE struct err *apply_tree(struct tree *t, int dirfd, struct apply_report *report);

#endif
