/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_SCAN_H
#define LADE_LAYERS_SCAN_H

#include "base/attr.h"
#include "base/err.h"
#include "base/owner.h"
#include "layers/tree.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * What a command changed in a directory, where there is no overlay that would tell: the directory as it was
 * before and as it is after, compared by inode, change time, size and metadata; contents are not read.
 */

/* The directory as it is now, all of it. The descriptor is borrowed. */
MUST_USE struct err *scan_take(struct tree **out, int dirfd);

struct scan_options {
    const struct owner_list *owners_before, *owners_after; /* sorted; NULL: the file system says it */
    bool keep_times;                                       /* else times later than … */
    int64_t epoch;                                         /* … become this */
};
/* The tree of a layer, with whiteouts for what is gone. Contents are those of `after`, which must outlive it.
 */
MUST_USE struct err *scan_compare(struct tree **layer, struct tree *before, struct tree *after,
                                  const struct scan_options *options);

#endif
