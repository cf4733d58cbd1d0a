/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_TARREAD_H
#define LADE_LAYERS_TARREAD_H

#include "base/attr.h"
#include "base/err.h"
#include "base/io.h"
#include "layers/entries.h"
#include "layers/reader.h"
#include "layers/tarlimits.h"
#include "layers/tree.h"

#include <stdbool.h>

/*
 * A tar of anybody into a tree: hostile input. It is decompressed and parsed in a process of its own
 * (layers/reader.h); its names are cleaned and its limits held here. ERR_INPUT for what is broken or
 * ambiguous, ERR_RESOURCE for what is over a limit (layers/tarlimits.h). Of what an entry says:
 *
 * - Names are cleaned lexically: leading "/", "//" and "./" are dropped, "a/.." is nothing; a ".." that
 * leaves the root is ERR_INPUT. What is cleaned to nothing is the root, which must be a directory.
 * - A symbolic link in a parent is followed within this tree, as Go's and containerd's readers do in a root
 * file system; it never leads out. Parents that are missing, or where a link hangs in the air, become
 * implicit directories. A parent that is a file is ERR_INPUT.
 * - Of two entries with one name the last wins. A directory over a directory keeps the children; any other
 * pair replaces.
 * - A hard link's target stands before it in the same tar and is no directory; in a layer it may be a file of
 * a layer below (NODE_LINK, which tree_apply resolves), as some builders write it.
 * - With `layer`, ".wh.NAME" becomes a NODE_WHITEOUT called NAME and ".wh..wh..opq" makes its directory
 * opaque; both act on lower layers only, whatever the order. ".wh.", ".wh..", ".wh..." and a name below a
 * whiteout are ERR_INPUT; other ".wh..wh." names (left by aufs) are dropped.
 */
struct tarread_options {
    const char *what;     /* for messages: "layer sha256:…", "app.tar" */
    bool layer;           /* .wh. names are whiteouts and opaque marks; else they are ordinary names */
    bool any_compression; /* gzip, bzip2, xz, zstd, told by content; else the source is tar bytes */
    struct spool
        *spool; /* file contents go here; NULL: contents become CONTENT_LAYER with their entry number */
    /* Called before the first entry, each time that the archive is read; may be NULL. */
    struct err *(*begin)(void *ctx);
    /* With `spool` NULL: called for each regular file in the order of the tar with its bytes; may be NULL.
     * Bytes that it leaves are skipped. */
    struct err *(*file)(void *ctx, uint32_t entry, struct node *n, struct source *bytes);
    void *ctx;
    bool keep_accounts; /* also keep the bytes of etc/passwd and etc/group (up to 1 MiB each) as CONTENT_MEM;
                           for `spool` and `file` NULL */
    const struct tarlimits *limits; /* NULL: TARLIMITS */
};
#define TARREAD_ACCOUNTS_MAX READER_ACCOUNTS_MAX
/* `from` is borrowed and read to its end. */
MUST_USE struct err *tarread_tree(struct tree **out, struct source *from,
                                  const struct tarread_options *options);
/* The same from entries that somebody else reads; `any_compression` means nothing here. */
MUST_USE struct err *tarread_entries(struct tree **out, struct entries *from,
                                     const struct tarread_options *options);
/* What data those entries have to bring. */
enum reader_data tarread_needs(const struct tarread_options *options);

/* Is this the beginning of a tar, plain or compressed (as BuildKit tells it for ADD: the first header must be
 * readable)? Looks at the content from the source's start; the source is at its beginning again after (it
 * must be able to reopen). */
MUST_USE struct err *tarread_is_archive(struct source *s, bool *yes);

#endif
