/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_TARREAD_H
#define LADE_LAYERS_TARREAD_H

#include "base/attr.h"
#include "base/err.h"
#include "base/io.h"
#include "layers/tree.h"

#include <stdbool.h>

/*
 * A tar of anybody into a tree (by libarchive; hostile input). Names are cleaned lexically: leading "/" and "./" dropped; ".." that leaves the root
 * is ERR_INPUT. Limits: see doc/threats.md (entries, name length, pax size, xattrs, total size): ERR_RESOURCE. A cut or broken archive is
 * ERR_INPUT.
 */
struct tarread_options {
    const char *what;     /* for messages: "layer sha256:…", "app.tar" */
    bool layer;           /* .wh. names are whiteouts and opaque marks; else they are ordinary names */
    bool any_compression; /* gzip, bzip2, xz, zstd, told by content; else the source is tar bytes */
    struct spool *spool;  /* file contents go here; NULL: contents become CONTENT_LAYER with their entry number */
    /* With `spool` NULL: called for each regular file in the order of the tar with its bytes; may be NULL. Bytes that it leaves are skipped. */
    struct err *(*file)(void *ctx, uint32_t entry, struct node *n, struct source *bytes);
    void *ctx;
    bool keep_accounts;   /* also keep the bytes of etc/passwd and etc/group (up to 1 MiB each) as CONTENT_MEM */
};
MUST_USE struct err *tarread_tree(struct tree **out, struct source *from, const struct tarread_options *options);

/* Is this the beginning of a tar, plain or compressed (as BuildKit tells it for ADD: the first header must be readable)? Looks at the content from
 * the source's start; the source is at its beginning again after (it must be able to reopen). */
MUST_USE struct err *tarread_is_archive(struct source *s, bool *yes);

#endif
