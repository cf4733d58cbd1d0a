/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_LOOKUP_H
#define LADE_BUILDER_LOOKUP_H

#include "base/attr.h"
#include "base/err.h"
#include "builder/stage.h"

/*
 * What FROM, COPY --from and RUN --mount from= name. Each image is looked up once in a build, whoever asks,
 * so that all of a build stands on the same one. The builder's lock is held by the caller, and given up
 * while registries are asked.
 */

/* The platform of a stage, or (NULL) of what the target takes files from. */
const struct platform *lookup_platform(const struct builder *b, const struct stage_plan *p);

/* The image that FROM names. Borrowed from the builder. */
MUST_USE struct err *lookup_base(struct builder *b, const char *name, const struct platform *platform,
                                 const struct base_image **out);

void lookup_wipe(struct builder *b);

#endif
