/* SPDX-License-Identifier: Apache-2.0 */
#include "image/digestset.h"

#include "base/mem.h"

#include <string.h>

/* A digest is its own hash. Where it stands, or the free slot where it would. */
static size_t *place(const struct digestset *set, const struct digest *d)
{
    size_t at;
    memcpy(&at, d->bytes, sizeof at);
    for (at &= set->slots - 1;; at = (at + 1) & (set->slots - 1))
        if (!set->slot[at] || digest_equal(&set->item[set->slot[at] - 1], d))
            return &set->slot[at];
}

static void grow(struct digestset *set)
{
    set->slots = set->slots ? 2 * set->slots : 64;
    free(set->slot);
    set->slot = mem_zero(set->slots, sizeof *set->slot);
    for (size_t i = 0; i < set->count; i++)
        *place(set, &set->item[i]) = i + 1;
}

bool digestset_add(struct digestset *set, const struct digest *d, size_t *number)
{
    if (2 * (set->count + 1) > set->slots)
        grow(set);
    size_t *at = place(set, d);
    bool added = *at == 0;
    if (added) {
        MEM_PUSH(set->item, set->count, set->room, *d);
        *at = set->count;
    }
    if (number)
        *number = *at - 1;
    return added;
}

bool digestset_has(const struct digestset *set, const struct digest *d)
{
    return set->slots && *place(set, d) != 0;
}

void digestset_wipe(struct digestset *set)
{
    free(set->item);
    free(set->slot);
    *set = (struct digestset){0};
}
