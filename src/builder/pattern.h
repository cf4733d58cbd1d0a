/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_PATTERN_H
#define LADE_BUILDER_PATTERN_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>

/*
 * The patterns of ${v#p}, ${v%p} and ${v/p/w}: * is any text, ? one character, neither of them a newline; a
 * backslash makes *, ? and itself ordinary, and is dropped before } and /; before anything else it is a
 * mistake (ERR_INPUT). The cost is at most pattern times text; ERR_RESOURCE when that is over
 * PATTERN_WORK_MAX.
 */

#define PATTERN_WORK_MAX (1 << 24)

/* `text` without the part at its beginning (or end) that the pattern matches: the longest or the shortest.
 * Appends. */
MUST_USE struct err *pattern_trim_before(struct buf *out, const char *pattern, const char *text,
                                         bool longest);
MUST_USE struct err *pattern_trim_after(struct buf *out, const char *pattern, const char *text, bool longest);
/* `text` with the first, or every, longest match replaced. Appends. */
MUST_USE struct err *pattern_replace(struct buf *out, const char *pattern, const char *text, const char *with,
                                     bool all);

#endif
