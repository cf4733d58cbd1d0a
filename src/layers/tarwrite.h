/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_TARWRITE_H
#define LADE_LAYERS_TARWRITE_H

#include "base/attr.h"
#include "base/err.h"
#include "base/io.h"
#include "layers/tree.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * The canonical tar bytes of a tree: format tar/1, frozen, described in doc/formats.md. ustar; one pax header
 * where a field does not fit; entries in the order of bytes within path components, parents before children;
 * directories end in "/"; no "./"; no atime, ctime; numeric owners, no names; mode 07777 only; xattrs once,
 * sorted, as SCHILY.xattr.*; hard links to the first name in order, relative; names as bytes; whiteouts as
 * empty files before their siblings; two zero blocks at the end.
 */

/* Write the tree (all but implicit directories and the root, unless `with_root`) and the end. Contents are
 * opened with node_open. ERR_INPUT for names that begin with ".wh.", which layers reserve, and for what a tar
 * cannot hold. `options` may be NULL. */
struct tarwrite_options {
    bool with_root; /* the root as "./", first */
};
MUST_USE struct err *tarwrite_tree(struct sink *to, struct tree *t, const struct tarwrite_options *options);

/* For archives: one regular file (mode 0644, 0:0, time 0) whose bytes the caller writes to the sink after it,
 * then padding; and the end. */
MUST_USE struct err *tarwrite_file_header(struct sink *to, const char *name, uint64_t size);
/* A directory (mode 0755), whose name ends in "/". */
MUST_USE struct err *tarwrite_directory(struct sink *to, const char *name);
MUST_USE struct err *tarwrite_padding(struct sink *to, uint64_t size);
MUST_USE struct err *tarwrite_end(struct sink *to);

#endif
