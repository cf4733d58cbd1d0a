/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_IMAGE_DIGESTSET_H
#define LADE_IMAGE_DIGESTSET_H

#include "base/digest.h"

#include <stdbool.h>
#include <stddef.h>

/* A set of digests, numbered in the order in which they were added. A zeroed struct is empty. Not thread
 * safe. */
struct digestset {
    struct digest *item;
    size_t count, room;
    size_t *slot; /* 1 + number, 0 when free */
    size_t slots; /* a power of two */
};

/* True when it was not there before. *number (may be NULL): its number. */
bool digestset_add(struct digestset *set, const struct digest *d, size_t *number);
bool digestset_has(const struct digestset *set, const struct digest *d);
void digestset_wipe(struct digestset *set);

#endif
