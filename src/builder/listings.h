/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_LISTINGS_H
#define LADE_BUILDER_LISTINGS_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "builder/run_plan.h"
#include "builder/stage.h"
#include "builder/steprecord.h"

#include <stdbool.h>

/*
 * Listings (layers/listing.h) of layers of files that steps were run on, in $LADE_CACHE/listings/<diff ID>: a
 * later build can say by them which file has changed. What a bind mount shows has one too, by the diff ID
 * that stands for it in a key (stepkey_mount); its files stand below RUN_SELECT_NAME. They cost time only,
 * and so does what goes wrong with them. Layers of more than LISTINGS_FILES_MAX bytes have none.
 */
#define LISTINGS_FOLDER "listings"
#define LISTINGS_FILES_MAX ((uint64_t)256 << 20)
#define LISTINGS_TOTAL_MAX ((uint64_t)64 << 20)

/* Keep those of the stage's layers that came from files and have none yet. */
void listings_keep(struct builder *b, const struct stage *s);
/* Keep those of what the mounts show, whose digests are in `r`. */
void listings_keep_mounts(struct builder *b, const struct run_plan *plan, const struct step_record *r);
/* The digest in "mount N files"; false: there is none, or it is another input. */
bool listings_mount_digest(const struct step_input *in, struct digest *out);

/* The listing of a layer that this build has the files of; *found false: it has not. */
MUST_USE struct err *listings_of_part(struct builder *b, const struct part *part, struct buf *out,
                                      bool *found);
/* That of what a mount shows. */
MUST_USE struct err *listings_of_mount(struct builder *b, const struct run_mount *mount, struct buf *out,
                                       bool *found);
/* That of a layer of any build, as this machine keeps it. */
MUST_USE struct err *listings_kept(const struct builder *b, const struct digest *diff_id, struct buf *out,
                                   bool *found);
/* The same, from here or an imported cache. */
MUST_USE struct err *listings_find(struct builder *b, const struct digest *diff_id, struct buf *out,
                                   bool *found);

#endif
