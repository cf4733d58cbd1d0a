/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_GOTEXT_H
#define LADE_BUILDER_GOTEXT_H

#include "base/buf.h"
#include "base/str.h"

#include <stdint.h>

/* History entries carry values as Go's fmt prints them, because BuildKit is written in Go and people compare.
 * Each appends to `out`. */

void gotext_quoted_list(struct buf *out, const struct strlist *list); /* %q: ["a" "b"] */
void gotext_list(struct buf *out, const struct strlist *list);        /* %v: [a b] */
void gotext_duration(struct buf *out, int64_t ns);                    /* 1m30s, 0s, 1.5s, 300ms */

#endif
