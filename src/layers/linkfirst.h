/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_LINKFIRST_H
#define LADE_LAYERS_LINKFIRST_H

#include "layers/tree.h"

#include <stddef.h>

/* Which node of each link group comes first when a tree is written: that one carries the content, the others
 * become links to it. A zeroed struct knows none. */
struct linkfirst {
    const struct node **node; /* by number of the group */
    size_t count;
};
/* The first of the node's group, which is this node when none was met before. */
const struct node *linkfirst_of(struct linkfirst *l, const struct tree *t, const struct node *n);
void linkfirst_wipe(struct linkfirst *l);

#endif
