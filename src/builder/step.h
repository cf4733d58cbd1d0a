/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_STEP_H
#define LADE_BUILDER_STEP_H

#include "base/attr.h"
#include "base/err.h"
#include "builder/stage.h"

/* The instructions that make layers. `from` of COPY --from is given as a stage that is done, or NULL: the
 * context. *cached: the layer came from a cache. */
MUST_USE struct err *step_copy(struct builder *b, struct stage *s, const struct instr *instr,
                               struct stage *from, bool *cached);
MUST_USE struct err *step_workdir(struct builder *b, struct stage *s, const struct instr *instr);

/* Bring the contents that `layer` takes from files of `from` out of packed layers. */
MUST_USE struct err *step_unpack_contents(struct builder *b, const struct stage *from, struct tree *layer);

#endif
