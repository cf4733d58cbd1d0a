/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_RUN_SHOW_H
#define LADE_BUILDER_RUN_SHOW_H

#include "base/attr.h"
#include "base/err.h"
#include "builder/run_plan.h"
#include "builder/stage.h"
#include "layers/unpacked.h"

/* What a bind mount shows (run_mount.node) as a path of this machine. The builder's lock is held by the
 * caller, and given up while files are copied. */
struct run_shown {
    char *path;                /* absolute: a directory or file */
    struct unpacked *unpacked; /* must stay open as long as the path is used, or NULL */
    struct unpacking *copy;    /* is thrown away after use, or NULL */
};
MUST_USE struct err *run_show(struct run_shown *out, struct builder *b, const struct run_mount *mount);

/* The files (run_mount.node) into an empty directory: what a cache begins with. */
MUST_USE struct err *run_show_copy(struct builder *b, const struct run_mount *mount, int to);

#endif
