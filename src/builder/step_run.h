/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_STEP_RUN_H
#define LADE_BUILDER_STEP_RUN_H

#include "base/attr.h"
#include "base/err.h"
#include "builder/stage.h"

/* RUN: plan (run_plan.h), take the layer from a cache or run the command, layer and history. `id` is the
 * step's (stage_step_begin). *cached: it was in the cache. */
MUST_USE struct err *step_run(struct builder *b, struct stage *s, const struct instr *instr, unsigned id,
                              bool *cached);

#endif
