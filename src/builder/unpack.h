/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_UNPACK_H
#define LADE_BUILDER_UNPACK_H

#include "base/attr.h"
#include "base/err.h"
#include "layers/layer.h"
#include "layers/spool.h"
#include "layers/tree.h"

/* Bring every content of `t` that still lies packed in a layer of the stack into the spool. */
MUST_USE struct err *unpack_contents(struct tree *t, const struct layer_stack *stack, struct spool *spool);

#endif
