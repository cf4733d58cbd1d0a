/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_RUN_SELECT_H
#define LADE_BUILDER_RUN_SELECT_H

#include "base/attr.h"
#include "base/err.h"
#include "builder/run_plan.h"
#include "layers/tree.h"

#include <stdbool.h>

/* What a mount shows, as a tree of its own. */

#define RUN_SELECT_NAME "file" /* what is shown, where it stands in a directory of its own */

/* Copy mount->node and all that is below it into the empty tree `to`, as RUN_SELECT_NAME; with `spread` a
 * directory's children stand in the root instead. Hard links among them stay, contents are borrowed. Files of
 * the context belong to root, whoever has the checkout. */
MUST_USE struct err *run_select(struct tree *to, const struct run_mount *mount, bool spread);

#endif
