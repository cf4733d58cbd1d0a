/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_RUN_CWD_H
#define LADE_BUILDER_RUN_CWD_H

#include "base/attr.h"
#include "base/err.h"
#include "builder/rootfs.h"
#include "builder/run_plan.h"
#include "layers/tree.h"

#include <stdint.h>

/* A base's working directory need not exist: make it for the command, as BuildKit does, 0755 and the user's;
 * it becomes a part of the layer. `files` are those below. */
MUST_USE struct err *run_cwd_make(struct rootfs *r, struct tree *files, const struct run_plan *plan,
                                  int64_t epoch);

#endif
