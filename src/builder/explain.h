/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_EXPLAIN_H
#define LADE_BUILDER_EXPLAIN_H

#include "builder/run_plan.h"
#include "builder/stage.h"
#include "builder/steprecord.h"

#include <stdbool.h>

/*
 * --explain-cache: of each step that a cache could have, where it was taken from, or what differs from the
 * nearest one that a cache knows: which file, argument, command, mount, base, flag. build_result.explained
 * has an object for each step, in the order of the Dockerfile; doc/cache.md has its members.
 */

/* A step that was not found. */
struct explain_step {
    const struct step_record *record; /* its inputs; its layer is not on the stage yet */
    const struct stage *from;         /* of COPY --from, or NULL */
    const struct run_plan *plan;      /* of RUN, or NULL */
};

/* Nothing happens when nobody asks. The builder's lock is held. */
void explain_taken(struct builder *b, const struct stage *s, const char *from);
void explain_missed(struct builder *b, const struct stage *s, const struct explain_step *step);
/* Files of the context, whose layer has just been put on the stage: they are read each time. */
void explain_files(struct builder *b, struct stage *s);

/* A record that is no step's: how the image is called that the lowest layers of `s` belong to, by which a
 * later build can say what it was. False: there is none. */
bool explain_base_record(const struct stage *s, struct step_record *out);

#endif
