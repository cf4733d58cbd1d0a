/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_RUN_PLAN_INNER_H
#define LADE_BUILDER_RUN_PLAN_INNER_H

#include "base/attr.h"
#include "base/err.h"
#include "builder/run_plan.h"

/* What the sources of run_plan_make share. */

/* The mounts of the flags, with their targets made absolute and what they show looked up; in the order of
 * their targets, so that one within another comes after it. Adds to the private environment. */
MUST_USE struct err *run_plan_mounts(struct run_plan *out, struct builder *b, struct stage *s,
                                     const struct instr *instr);

#endif
