/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_ROOTFS_H
#define LADE_BUILDER_ROOTFS_H

#include "base/attr.h"
#include "base/err.h"
#include "base/owner.h"
#include "base/str.h"
#include "builder/stage.h"
#include "layers/unpacked.h"
#include "sandbox/sandbox.h"

/*
 * The files of a stage as a command gets them: each layer is a directory in the cache, the lowest first, and
 * a new one takes what the command changes. The builder's lock is held by the caller, and given up while
 * layers are unpacked.
 */

/* What the RUN steps of a build share: how commands are run on this machine, and where files are kept when
 * the build has no cache. */
struct rootfs_state;
void rootfs_state_free(struct rootfs_state *state);
AUTO_DEFINE(struct rootfs_state *, rootfs_state_free)

/* Found at the first call. ERR_UNSUPPORTED when commands cannot be run here. */
MUST_USE struct err *rootfs_way(struct builder *b, struct sandbox_way *out);
/* A descriptor and the absolute path of the directory that has the unpacked layers; both borrowed. */
MUST_USE struct err *rootfs_cache(struct builder *b, int *dir, const char **path);

/* Before a stage with a RUN is looked into: layers of whose index the cache has nothing are unpacked at once,
 * so that their blobs are fetched once only. */
MUST_USE struct err *rootfs_foresee(struct builder *b, struct stage *s);

struct rootfs {
    struct sandbox_way way;
    struct strlist lower;   /* absolute, the lowest first, at least one */
    struct tree *files;     /* what they show together, with contents; borrowed from here or from the stage */
    struct tree *merged;    /* NULL: `files` is the stage's */
    struct unpacked *patch; /* the uppermost of `lower`, or NULL */
    struct unpacking *upper;
    struct owner_list owners; /* SINGLE: of the merged files, what is not 0:0 or a device; sorted */
};
MUST_USE struct err *rootfs_make(struct rootfs *out, struct builder *b, struct stage *s);
void rootfs_wipe(struct rootfs *r);

/* The part as files, unpacked now when it is not. Borrowed from the part. */
MUST_USE struct err *rootfs_unpack(struct builder *b, struct part *part, struct unpacked **out);

/* A part that a command made: `upper` gets its name, and its files are read from there. */
MUST_USE struct err *rootfs_keep(struct builder *b, struct part *part, struct unpacking *upper_take);

#endif
