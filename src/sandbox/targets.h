/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_SANDBOX_TARGETS_H
#define LADE_SANDBOX_TARGETS_H

#include "base/attr.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

/*
 * Where something is mounted in the root. What is not there is made, and removed again after the command if
 * it is as it was made; the directory that it is in has the times of before, unless the command changes it.
 * Links are followed as the command would see them, and never lead out of the root.
 */
struct targets_made {
    int parent, fd; /* the directory that it is in, and itself */
    char *name;
    bool directory;
    struct timespec before[2], after; /* the parent's times: to access and change; of its change when we have
                                         made this */
};
struct targets {
    int root; /* borrowed */
    struct targets_made *made;
    size_t count, room;
};

/* Open `path` (O_PATH), a directory or another file. ERR_INPUT when something of another type is there. */
MUST_USE struct err *targets_open(struct targets *t, int *out, const char *path, bool directory);
/* The same for a directory in the root whose name is one word: it may be no link. */
MUST_USE struct err *targets_open_top(struct targets *t, int *out, const char *name);
/* Make a device file in a directory of the root if there is none of that name, where we may. */
void targets_make_device(struct targets *t, const char *folder, const char *name, dev_t device);
/* After everything is unmounted and no process is left: remove what was made. */
void targets_remove(struct targets *t);

#endif
