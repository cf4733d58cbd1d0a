/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_CONTEXT_H
#define LADE_BUILDER_CONTEXT_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "builder/ignore.h"
#include "layers/spool.h"
#include "layers/tree.h"

/*
 * Where a build's files and its Dockerfile come from: a directory, or standard input, which is a tar (plain
 * or compressed) or a lone Dockerfile. What is read from a directory unasked (Dockerfile, ignore files) may
 * be a link, but not out of the directory: a context that somebody else made must not show this machine's
 * files.
 */
struct context {
    struct tree *files;    /* what COPY can select: the ignore file is applied already */
    struct ignore *ignore; /* or NULL */
    char *dockerfile_name; /* as messages call it */
    struct buf dockerfile; /* its bytes */
    struct spool *spool;   /* contents of a tar, or NULL */
    char *real_path;       /* of a directory, or NULL */
    bool trust_times;      /* set before: see struct tree_dir_options */
};

/* `path`: a directory or "-"; `file` the Dockerfile: a path, "-" or NULL. `scratch_dir`: where temporary
 * files may be. ERR_NOT_FOUND, ERR_USAGE ("-" for both), ERR_UNSUPPORTED for URLs. */
MUST_USE struct err *context_open(struct context *out, const char *path, const char *file, int scratch_dir);
void context_wipe(struct context *context);

#endif
