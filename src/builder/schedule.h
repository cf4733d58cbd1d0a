/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_SCHEDULE_H
#define LADE_BUILDER_SCHEDULE_H

#include "base/attr.h"
#include "base/err.h"
#include "builder/stage.h"

/*
 * Stages side by side: those that the target needs are built on a few threads, and each waits where it stands
 * on another one. Only one thread at a time works on the builder (builder_lock), but what takes long is done
 * without the lock. What is built does not depend on who was faster.
 *
 * Stages refer to earlier ones only, so nobody waits in a circle. A thread that needs a stage which nobody
 * began builds it itself.
 */

/* Build all stages that the target needs. When one fails, the others stop at their next instruction, and
 * commands of RUN at once. The error is that of the first stage in the Dockerfile among those that failed by
 * themselves. ERR_RESOURCE when the time for the whole build is over. */
MUST_USE struct err *schedule_run(struct builder *b);

/* The functions below are for the threads of schedule_run, which hold the builder's lock. */

/* Wait for a stage, or build it. ERR_STOPPED when it failed: what went wrong there is told by itself. */
MUST_USE struct err *schedule_need(struct builder *b, struct stage *s);

/* ERR_STOPPED when there is no sense in going on: somebody asked to stop, another stage failed, or the time
 * is over. */
MUST_USE struct err *schedule_check(struct builder *b);

#endif
