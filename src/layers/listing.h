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
 * the SHA-256 of what is in it or where a link leads, and the path, escaped. Behind a mode stands ",xattr="
 * and a digest when there are extended attributes. Sorted by path. Nothing in it depends on the machine.
 * doc/formats.md, files/1.
 */
#define LISTING_MAX ((size_t)64 << 20) /* bytes */

/* Contents of `t` can be read. ERR_RESOURCE when it is too large. */
MUST_USE struct err *listing_make(struct buf *out, struct tree *t);

enum listing_what {
    LISTING_NEW,
    LISTING_GONE,
    LISTING_KIND,    /* old and now: "file", "directory", … */
    LISTING_CONTENT, /* hex digits of SHA-256 */
    LISTING_TARGET,  /* of a symbolic link; hex digits of SHA-256 */
    LISTING_MODE,    /* octal */
    LISTING_OWNER,   /* "0:0" */
    LISTING_XATTRS
};
const char *listing_what_name(enum listing_what what);

/* One thing that is otherwise at one path. */
struct listing_change {
    enum listing_what what;
    char *path, *old, *now; /* old and now: NULL where there is nothing to show */
};
struct listing_changes {
    struct listing_change *item;
    size_t count, room;
};
void listing_changes_wipe(struct listing_changes *changes);

/* What differs, in the order of paths. Both may be anybody's. */
void listing_compare(struct listing_changes *out, const char *old, const char *now);
/* How many paths stand in both. */
size_t listing_common(const char *a, const char *b);
/* "content 4f1b0c22d9aa → 9e107d9d372b", for people. New string. */
char *listing_change_text(const struct listing_change *change);

#endif
