/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_RUN_CACHES_PRUNE_H
#define LADE_BUILDER_RUN_CACHES_PRUNE_H

#include "base/attr.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* Caches of RUN (run_caches.h) as pruning sees them: all slots of one id together. */
struct run_caches_entry {
    char *name; /* in RUN_MOUNTS_FOLDER */
    uint64_t bytes;
    struct timespec used; /* last, any slot */
    bool unfinished;      /* a killed process left a slot half made */
    bool in_use;          /* now, by a step */
};
struct run_caches_list {
    struct run_caches_entry *item;
    size_t count, room;
};
MUST_USE struct err *run_caches_entries(struct run_caches_list *out, int cache_dir);
void run_caches_list_wipe(struct run_caches_list *list);
/* Remove its slots, or those only that are half made; nothing when a step uses one. ERR_DENIED when it
 * belongs to subordinate ids. */
MUST_USE struct err *run_caches_drop(int cache_dir, const char *name, bool all, uint64_t *freed);

#endif
