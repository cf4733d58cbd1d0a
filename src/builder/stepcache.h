/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_STEPCACHE_H
#define LADE_BUILDER_STEPCACHE_H

#include "base/attr.h"
#include "base/err.h"
#include "builder/stage.h"
#include "builder/steprecord.h"
#include "image/store.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Records of RUN steps in $LADE_CACHE/steps/<key>, and taking a step's layer from there. A record says only
 * which layer a step made; the layer itself is an unpacked one (layers/unpacked.h) or a blob of the local
 * store. A cache costs time only: what is wrong in it is dropped, with a line to the log.
 */
#define STEPCACHE_FOLDER "steps"
#define STEPCACHE_TOTAL_MAX ((uint64_t)64 << 20) /* bytes of all records; more, and the oldest go */

/* May steps of the stage be taken (--no-cache, --no-cache-filter)? */
bool stepcache_allows(const struct builder *b, const struct stage *s);

/* Take the step whose inputs `r` has: its layer is put on the stage. *hit is false when it is not known, or
 * its layer is nowhere. ERR_… only for what stops the build anyway. */
MUST_USE struct err *stepcache_take(struct builder *b, struct stage *s, struct step_record *r, bool *hit,
                                    bool *empty);
/* Remember what the step with the inputs `r` made: the stage's last layer, or nothing. */
void stepcache_keep(struct builder *b, struct stage *s, struct step_record *r, bool empty);

/* Remove records that are damaged, and those whose layer is gone: `layout` (NULL: none) has the blobs. With
 * `keep` 0 all go. */
MUST_USE struct err *stepcache_prune(int cache_dir, struct store *layout, uint64_t keep, uint64_t *freed);

#endif
