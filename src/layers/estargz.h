/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_ESTARGZ_H
#define LADE_LAYERS_ESTARGZ_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/io.h"
#include "layers/tarheader.h"
#include "layers/tree.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Tar entries to a layer in the form eStargz (containerd/stargz-snapshotter, docs/estargz.md): a gzip of many
 * members, in which the bytes of each file begin a member, with a table of contents at its end, so that
 * runtimes can read files out of the registry before they have the layer. For all others it is a gzip layer.
 *
 * Two entries are lade's: the landmark that says that no files are to be fetched beforehand, first, and the
 * table of contents (toc.h), last. Both belong to the diff ID.
 *
 * Chunks are those of chunk/1, worked on by several threads as in pipeline.h; the bytes, and the error where
 * there is one, do not depend on their number. Memory does not grow with the layer: the table of contents is
 * kept in a file until it is written.
 */
struct estargz;
/* `to` gets the blob's bytes, not its commit; borrowed. `temp_take` is an empty file, open to read and write,
 * for the table of contents. ERR_USAGE for a level that gzip does not have. */
MUST_USE struct err *estargz_new(struct estargz **out, struct sink *to, int temp_take, int level,
                                 unsigned workers);
/* The next entry of the tar: see struct tarwalk. `content` is borrowed until estargz_end or estargz_free.
 * ERR_INPUT for names that are not UTF-8, because the table of contents cannot hold them. */
MUST_USE struct err *estargz_entry(struct estargz *e, const struct tar_entry *entry,
                                   const struct buf *headers, const struct node *content);
/* For struct tarwalk: what a base in this form has left in the root directory. */
bool estargz_skip(const struct node *n);

/* Annotations of the layer's descriptor. */
#define ESTARGZ_TOC_DIGEST "containerd.io/snapshot/stargz/toc.digest"
#define ESTARGZ_PLAIN_SIZE "io.containers.estargz.uncompressed-size"
struct estargz_result {
    struct digest diff_id;
    struct digest toc;
    uint64_t size; /* of the tar */
};
/* The end of the tar, or, with the error that ended the walk, of the work. The first error in the order of
 * chunks comes before `walk_take`. */
MUST_USE struct err *estargz_end(struct estargz *e, struct err *walk_take, struct estargz_result *result);
void estargz_free(struct estargz *e);
AUTO_DEFINE(struct estargz *, estargz_free)

#endif
