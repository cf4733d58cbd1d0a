/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_EXPLAIN_H
#define LADE_BUILDER_EXPLAIN_H

#include "builder/stage.h"
#include "builder/steprecord.h"

/*
 * --explain-cache: of each step that a cache could have, where it was taken from, or what differs from the
 * nearest one that a cache knows: which file, argument, command, mount, base, flag. build_result.explained
 * has an object for each step: "step", "outcome" ("taken" or "run"), "from" (whose it is, or whose the
 * nearest one is; absent: no cache knows one like it), and of those that were run "causes", a list of lines
 * for people.
 */

/* Nothing happens when nobody asks. The builder's lock is held. */
void explain_taken(struct builder *b, const struct stage *s, const char *from);
/* `r` holds the inputs of the step that was not found; its layer is not on the stage yet. */
void explain_missed(struct builder *b, const struct stage *s, const struct step_record *r);

#endif
