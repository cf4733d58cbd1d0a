/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_STEPKEY_H
#define LADE_BUILDER_STEPKEY_H

#include "base/attr.h"
#include "base/err.h"
#include "builder/copy.h"
#include "builder/run_plan.h"
#include "builder/stage.h"
#include "builder/steprecord.h"

/*
 * All that decides what a RUN makes, as the inputs of a record: the layers below by diff ID, the command, its
 * environment, user and directory, what its mounts show by content, platform, network, host names,
 * --ulimit and --shm-size, the build's epoch, the versions of the tar format and of how root is emulated. Not
 * in it, as with BuildKit: the contents of caches and secrets, agents, proxies, memory, timeouts. Nor: file
 * times, owners and place of the context.
 */
#define STEPKEY_ROOT "root/1" /* to be raised when the emulation of root makes other layers */
#define STEPKEY_COPY "copy/1" /* to be raised when COPY puts files in another way */

/* What mounts show of stages. */
enum stepkey_mounts {
    STEPKEY_AT_HAND,   /* by content, but as the stage's layers where it is in packed layers */
    STEPKEY_BY_LAYERS, /* as the stage's layers: that can be known without the files */
    STEPKEY_READ,      /* by content; packed layers are fetched and read */
};

/* Errors are those of reading what mounts show. Stages that mounts show get their diff IDs. The builder's
 * lock is held, and given up while files are read. */
MUST_USE struct err *stepkey_make(struct step_record *out, struct builder *b, struct stage *s,
                                  const struct run_plan *plan, enum stepkey_mounts how);
/* Is all that mounts show told by content? */
bool stepkey_is_whole(const struct step_record *r);
/* Does a mount show a stage, so that there are two keys? */
bool stepkey_has_two(const struct run_plan *plan);

/* Of a COPY --from: the layers of both stages, and the words. `step` has no trees yet. */
MUST_USE struct err *stepkey_copy(struct step_record *out, struct builder *b, struct stage *s,
                                  struct stage *from, const struct copy_step *step);

/* The same by what was copied, whatever the other stage is. The stage's last layer is what the step made, and
 * has its diff ID; the layers below have theirs from stepkey_copy. */
void stepkey_copied(struct step_record *out, const struct builder *b, struct stage *s,
                    const struct copy_step *step);

/* The content of a mount as one digest (for stepkey_make): names, types, modes, link targets, xattrs and
 * bytes; in files from a stage also owners and times, which are what the stage says. Not known: some of it is
 * in packed layers, which are fetched with `read`. */
MUST_USE struct err *stepkey_mount(struct builder *b, const struct run_mount *mount, bool read, bool *known,
                                   struct digest *out);

#endif
