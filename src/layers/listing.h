/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_LISTING_H
#define LADE_LAYERS_LISTING_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "layers/tree.h"

#include <stddef.h>

/*
 * The files of a layer in lines, so that two can be compared without the files: what kind, mode and owner,
 * the SHA-256 of what is in it or where a link leads, and the path, escaped. Sorted by path. Nothing in it
 * depends on the machine.
 */
#define LISTING_MAX ((size_t)64 << 20) /* bytes */

/* Contents of `t` can be read. ERR_RESOURCE when it is too large. */
MUST_USE struct err *listing_make(struct buf *out, struct tree *t);
/* What differs, a line for people for each path: "src/main: content sha256:… → sha256:…". At most `most`, and
 * one that says how many more there are. Both may be anybody's. */
void listing_compare(struct strlist *out, const char *old, const char *now, size_t most);

#endif
