/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_NODE_OWNERS_H
#define LADE_BUILDER_NODE_OWNERS_H

#include "base/owner.h"
#include "layers/tree.h"

#include <stdbool.h>

/* Add what is not 0:0, or a device, of a node and all that is below it, by path from the node; sorted.
 * `devices_only`: where the file system itself has the owners. */
void node_owners(struct owner_list *out, const struct node *top, bool devices_only);

#endif
