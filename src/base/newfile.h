/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BASE_NEWFILE_H
#define LADE_BASE_NEWFILE_H

#include "base/attr.h"
#include "base/err.h"
#include "base/io.h"

#include <stdbool.h>
#include <sys/types.h>

/*
 * A file that exists only after commit: written under a random name in the directory where it will stand,
 * then renamed into place. Killed at any point, what is left is a name ".new-…" that newfile_sweep removes
 * when it is older than a day.
 */

/* A sink. `name` may be a path from `dirfd` (AT_FDCWD too), whose last component is the name. `mode` is what
 * the file will have, the umask does not count. `replace`: rename over what is there; else an existing file
 * wins and commit succeeds (content-addressed places). `sync`: fsync file and directory at commit. */
MUST_USE struct err *newfile_open(struct sink **out, int dirfd, const char *name, mode_t mode, bool replace,
                                  bool sync);
/* The name of a newfile sink is often known only after the bytes (a digest): set it before commit. One
 * component. */
void newfile_rename(struct sink *s, const char *name);
/* The descriptor, for pread of what was written so far. Borrowed, until commit. */
int newfile_fd(const struct sink *s);

/* Write all of `data` to `name`, replacing it, at once or not at all. */
MUST_USE struct err *newfile_write(int dirfd, const char *name, mode_t mode, const void *data, size_t len,
                                   bool sync);

/* Remove what killed processes left in `dirfd`. Errors are ignored: it is a courtesy. */
void newfile_sweep(int dirfd);

#endif
