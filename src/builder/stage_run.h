/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_STAGE_RUN_H
#define LADE_BUILDER_STAGE_RUN_H

#include "base/attr.h"
#include "base/err.h"
#include "builder/stage.h"

/* All of one stage: its base, the base's triggers, its instructions. For schedule.c, which holds the
 * builder's lock and keeps the state. */
MUST_USE struct err *stage_run(struct builder *b, struct stage *s);

#endif
