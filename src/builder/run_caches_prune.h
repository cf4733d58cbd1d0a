/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_RUN_CACHES_PRUNE_H
#define LADE_BUILDER_RUN_CACHES_PRUNE_H

#include "base/attr.h"
#include "base/err.h"

#include <stdint.h>

/* What cache mounts may take before pruning removes some, when nobody says otherwise. */
#define RUN_CACHES_MAX (UINT64_C(10) << 30)

/* Remove caches of RUN (run_caches.h) until they take no more than `keep` bytes, those first that were used
 * longest ago; never one that a step uses. Slots that a killed process left half made go always. One that
 * cannot go does not keep the others; ERR_DENIED when it belongs to subordinate ids. */
MUST_USE struct err *run_caches_prune(int cache_dir, uint64_t keep, uint64_t *freed);

#endif
