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
 * Records of steps in $LADE_CACHE/steps/<key> and in imported caches (cacheset.h), and taking a step's layer
 * by them. A record says only which layer a step made; the layer itself is an unpacked one
 * (layers/unpacked.h), a blob of the local store, or one where the cache came from. A cache costs time only:
 * what is wrong in it is dropped, with a line to the log.
 */
#define STEPCACHE_FOLDER "steps"
#define STEPCACHE_TOTAL_MAX ((uint64_t)64 << 20) /* bytes of all records; more, and the oldest go */

/* May steps of the stage be taken (--no-cache, --no-cache-filter)? */
bool stepcache_allows(const struct builder *b, const struct stage *s);

/* Take the step whose inputs `r` has: its layer is put on the stage. *hit is false when it is not known, or
 * its layer is nowhere. ERR_… only for what stops the build anyway. */
MUST_USE struct err *stepcache_take(struct builder *b, struct stage *s, const struct step_record *r,
                                    bool *hit, bool *empty);
/* Remember what the step with the inputs `r` made: the stage's last layer, or nothing. `claimed`: of what a
 * cache of others says is in a layer; that is not kept on this machine. */
void stepcache_keep(struct builder *b, struct stage *s, struct step_record *r, bool empty, bool claimed);
/* Remember how the image is called that the stage stands on (explain_base_record). */
void stepcache_keep_base(struct builder *b, const struct stage *s);
/* Is it known that a step with the inputs `r` makes the stage's last layer? */
MUST_USE struct err *stepcache_knows(struct builder *b, struct stage *s, const struct step_record *r,
                                     bool *known);
/* Only tell the caches that this build writes. */
void stepcache_note(struct builder *b, struct stage *s, struct step_record *r, bool empty);

/* A layer of files that are at hand, whose blob was written: *known when an imported cache has the same blob,
 * which is taken from there where a registry wants it. What a cache says is the blob of known files is
 * believed only so. */
MUST_USE struct err *stepcache_share_files(struct builder *b, const struct part *part, bool *known);
/* The record by which the next build finds it so; without forms. */
void stepcache_files_record(const struct part *part, struct step_record *out);
/* What the bytes of this build's blobs depend on, besides the files. New string. */
char *stepcache_form_id(const struct builder *b);

#endif
