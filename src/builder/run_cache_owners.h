/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_RUN_CACHE_OWNERS_H
#define LADE_BUILDER_RUN_CACHE_OWNERS_H

#include "base/attr.h"
#include "base/err.h"
#include "base/owner.h"

/*
 * Whose the files of a cache mount are, and which are devices, where one id has all of them on disk:
 * SLOT.owners beside the directory SLOT (run_caches.h), an indexfile (layers/indexfile.h) with the paths that
 * are not 0:0. Steps that use one slot at the same time tell each other nothing before they end; what each
 * has changed is then put together. It is read like an enemy's, and what is damaged is as if it were not
 * there. Lists are sorted.
 */
#define RUN_CACHE_OWNERS_SUFFIX ".owners"

/* `slot` is the path of the slot's directory. *out is cleared; when there is no such file, the directory
 * itself belongs to uid:gid, and all in it to root. */
void run_cache_owners_read(struct owner_list *out, const char *slot, uint32_t uid, uint32_t gid);

/* Of a new slot; nobody else may be at it. `slot` is its name in the directory. */
MUST_USE struct err *run_cache_owners_write(int dir, const char *slot, const struct owner_list *owners);

/* A step has used the slot: `before` is what it was given by run_cache_owners_read, `after` what it left.
 * Of what others have written meanwhile, all stays that this step did not give to somebody else. */
MUST_USE struct err *run_cache_owners_merge(const char *slot, const struct owner_list *before,
                                            const struct owner_list *after, uint32_t uid, uint32_t gid);

#endif
