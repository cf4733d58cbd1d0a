/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_RUN_PLAIN_H
#define LADE_BUILDER_RUN_PLAIN_H

#include "base/attr.h"
#include "base/err.h"
#include "builder/rootfs.h"
#include "builder/stage.h"
#include "layers/tree.h"
#include "sandbox/sandbox.h"

/*
 * A command's root where there is no overlay: all layers copied into one directory (the upper of struct
 * rootfs), which is compared before and after. The builder's lock is held by the caller, and given up
 * meanwhile.
 */
struct run_plain {
    struct tree *before, *after;
};
MUST_USE struct err *run_plain_begin(struct run_plain *out, struct builder *b, const struct rootfs *root);
/* The layer refers to files of `p`: give it to run_plain_keep before that ends. */
MUST_USE struct err *run_plain_layer(struct tree **layer, struct run_plain *p, struct builder *b,
                                     const struct rootfs *root, const struct owner_list *owners);
/* The part that was made of the layer gets files of its own. */
MUST_USE struct err *run_plain_keep(struct builder *b, struct part *part);
void run_plain_wipe(struct run_plain *p);

#endif
