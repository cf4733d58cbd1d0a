/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_LINT_H
#define LADE_BUILDER_LINT_H

#include "base/diag.h"
#include "builder/dockerfile.h"

/* The warnings that need the whole Dockerfile and nothing else: ConsistentInstructionCasing,
 * JSONArgsRecommended and MultipleInstructionsDisallowed. Others are given where an instruction is read,
 * planned or run. */
void lint_dockerfile(const struct dockerfile *file, struct diag *diag);

#endif
