/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_META_H
#define LADE_BUILDER_META_H

#include "base/attr.h"
#include "base/err.h"
#include "builder/stage.h"

/*
 * The instructions that change only the config: ARG CMD ENTRYPOINT ENV EXPOSE HEALTHCHECK LABEL MAINTAINER
 * ONBUILD SHELL STOPSIGNAL USER VOLUME, with BuildKit's effect on config and history. ERR_INPUT shows the
 * place.
 */
MUST_USE struct err *meta_apply(struct builder *b, struct stage *s, const struct instr *instr);

#endif
