/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BASE_TRIM_H
#define LADE_BASE_TRIM_H

#include "base/attr.h"
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/* Keep directories of files that can be made again below a size, all together: the files whose mtime is
 * oldest are removed until the rest takes no more than `keep` bytes. Files that are being written (newfile.h)
 * and directories are left alone. An absent directory is an empty one; a file that somebody else removes
 * meanwhile is no error. *freed may be NULL. */
MUST_USE struct err *trim_dirs(int dirfd, const char *const *paths, size_t count, uint64_t keep,
                               uint64_t *freed);
MUST_USE struct err *trim_dir(int dirfd, const char *path, uint64_t keep, uint64_t *freed);

/* For a directory that is kept below `max` bytes: call it after adding a file. Above that, no more than three
 * quarters of it stay, so that the next call has nothing to do. */
MUST_USE struct err *trim_below(int dirfd, const char *path, uint64_t max);
/* Note in the file's mtime that it was used; not more often than once a day, because who finds nothing to do
 * writes nothing. What goes wrong is ignored. */
void trim_mark_used(int dirfd, const char *path);

#endif
