/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_RUN_MOUNTS_H
#define LADE_BUILDER_RUN_MOUNTS_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "builder/run_plan.h"
#include "builder/stage.h"
#include "layers/unpacked.h"
#include "sandbox/sandbox.h"

#include <stddef.h>

/*
 * The mounts of a RUN step as directories and files of this machine, ready for the sandbox:
 *
 *     a bind of the context is the directory itself where nothing of it is hidden; other binds are an
 * unpacked layer, or a copy of what they show, kept with the unpacked layers; those that may be written are
 * copied for this step only; a cache is a directory in the cache (run_caches.h), locked as its sharing says;
 * secrets, /etc/hosts and the like are bytes.
 *
 * The builder's lock is held by the caller and given up while files are copied and locks are waited for.
 */
#define RUN_MOUNTS_FOLDER "mounts"

struct run_mounts {
    struct sandbox_mount *item; /* in the order in which they are to be made */
    size_t count, room;
    int *lock; /* of caches */
    size_t lock_count, lock_room;
    char **cache; /* the slots, by the number of the plan's mount; NULL: it is none, or its path was used */
    size_t cache_count;
    struct strlist shown_caches; /* slots that have a mount */
    struct unpacked **shown;
    size_t shown_count, shown_room;
    struct unpacking **copy; /* thrown away after the step */
    size_t copy_count, copy_room;
};
MUST_USE struct err *run_mounts_make(struct run_mounts *out, struct builder *b, const struct run_plan *plan);
/* The command has ended: keep what it says of the owners in caches. What cannot be kept is a warning. */
void run_mounts_keep(const struct run_mounts *m, const struct events *events,
                     const struct sandbox_result *result);
void run_mounts_wipe(struct run_mounts *m);

#endif
