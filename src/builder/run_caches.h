/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_RUN_CACHES_H
#define LADE_BUILDER_RUN_CACHES_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "builder/run_plan.h"
#include "builder/stage.h"

/*
 * Cache mounts: $LADE_CACHE/mounts/HASH/SLOT, where HASH stands for the id, for what it begins as (from=),
 * for the owner and mode that the mount asks for (another one is another cache, as with BuildKit), and for
 * how owners are on disk, and SLOT is a number; SLOT.lock beside it is locked as long as a step uses it,
 * SLOT.owners says whose its files are where they are all ours (run_cache_owners.h). Shared and locked ones
 * are slot 0; private ones are the first slot that nobody uses.
 */

/* HASH of a mount. New string. Who takes several takes them in the order of these, so that no two steps wait
 * for one another. */
MUST_USE struct err *run_cache_name(char **out, struct builder *b, const struct run_mount *mount);

/* The directory of a mount, made when it is new. `held` are the paths that this step has already: those are
 * given again, with *lock -1. Waits for whoever has it (ERR_STOPPED when asked to stop), without the
 * builder's lock, which the caller holds. */
MUST_USE struct err *run_cache_take(char **path, int *lock, struct builder *b, const struct run_mount *mount,
                                    const struct strlist *held);

#endif
