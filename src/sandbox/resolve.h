/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_SANDBOX_RESOLVE_H
#define LADE_SANDBOX_RESOLVE_H

#include "sandbox/emulate_inner.h"

#include <limits.h>

struct statx;

/*
 * The file that a call means: a descriptor of its process, or a path from its root, working directory or one
 * of its descriptors. Seen from the supervisor these are below /proc/<thread>.
 */
struct subject {
    bool by_fd; /* `fd` itself, no path */
    int fd;     /* or what the path starts from; AT_FDCWD */
    bool follow;
    char path[PATH_MAX];
};

/* Read the arguments. `flags`: AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH. False: the kernel shall answer (a bad
 * address, a path below /proc or /sys). */
bool subject_read(struct subject *s, const struct ask *a, int fd, uint64_t path_address, int flags);
void subject_of_fd(struct subject *s, int fd);

/* Look at it, in one system call if possible. 0 or errno. A path that goes through another process's links of
 * /proc may lead elsewhere: what was found is only sure with subject_open. */
int subject_statx(const struct subject *s, const struct ask *a, struct statx *st);

/* Open it with O_PATH, as the thread would find it; ELOOP, EXDEV, and others where it cannot be told. 0 or
 * errno. */
int subject_open(const struct subject *s, const struct ask *a, int *fd);

/* Open the directory that the last name of the path is in; *last points into the path. EINVAL when the last
 * component is no name. Slashes at the end are dropped: *directory says that there were some. */
int subject_open_parent(struct subject *s, const struct ask *a, int *fd, const char **last, bool *directory);

/* statx of an open descriptor. 0 or errno. */
int resolve_statx_fd(int fd, struct statx *st);

#endif
