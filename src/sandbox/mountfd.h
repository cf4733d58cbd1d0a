/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_SANDBOX_MOUNTFD_H
#define LADE_SANDBOX_MOUNTFD_H

#include "base/attr.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Mounts as descriptors: what is mounted and where it goes are both held open, so that no name is looked up
 * twice and no link can lead elsewhere in between. Linux 5.12 or later.
 */
struct mountfd_option {
    const char *key, *value;
};
/* A new file system, not attached anywhere yet. `attributes`: MOUNT_ATTR_… */
MUST_USE struct err *mountfd_new(int *out, const char *type, const struct mountfd_option *option,
                                 size_t count, unsigned attributes);
/* What is at `path` beneath `dirfd` now, again, with all that is mounted in it if `deep`. */
MUST_USE struct err *mountfd_clone(int *out, int dirfd, const char *path, bool deep);
/* Add MOUNT_ATTR_… to a mount, and to what is mounted in it. */
MUST_USE struct err *mountfd_restrict(int fd, uint64_t attributes, const char *what);
/* Attach at what `target` is. `what` names it in errors. */
MUST_USE struct err *mountfd_attach(int fd, int target, const char *what);

/* What is attached right in the root, in order; what lies deeper goes with it. */
struct mountfd_list {
    int *fd;
    size_t count, room;
};
/* Attach, and remember; takes fd over. */
MUST_USE struct err *mountfd_add(struct mountfd_list *list, int *fd, int target, const char *what);
/* Detach all, the last first. `proc`: of a /proc that knows this process. */
MUST_USE struct err *mountfd_detach(struct mountfd_list *list, int proc);

#endif
