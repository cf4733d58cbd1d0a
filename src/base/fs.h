/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BASE_FS_H
#define LADE_BASE_FS_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/*
 * Files by directory descriptor. Paths that come from a context, an image or an archive are opened beneath a
 * descriptor with openat2(2) and never by name from the working directory. All descriptors are close-on-exec.
 * Errors are err_sys with the path in the message.
 */

void fd_close(int fd); /* keeps errno, never retries */
static inline void fd_close_auto(int *fd)
{
    if (*fd >= 0)
        fd_close(*fd);
}
int fd_take(int *fd); /* moves out, leaving -1 */
/* Write all of it; `what` names the file in the error. Interrupted by a stop: ERR_STOPPED. */
MUST_USE struct err *fd_write(int fd, const void *data, size_t len, const char *what);

/* Open beneath `dirfd`: no component may leave it, not even through a link (RESOLVE_BENEATH | NO_MAGICLINKS).
 */
MUST_USE struct err *fs_open_beneath(int *out, int dirfd, const char *path, int flags, mode_t mode);
/* The same, and no component may be a link (RESOLVE_NO_SYMLINKS): for paths whose parents lade has seen or
 * made itself. */
MUST_USE struct err *fs_open_no_links(int *out, int dirfd, const char *path, int flags, mode_t mode);
/* The same, but links are followed as if `dirfd` were the root (RESOLVE_IN_ROOT). */
MUST_USE struct err *fs_open_in_root(int *out, int dirfd, const char *path, int flags, mode_t mode);
/* Plain openat with O_CLOEXEC, for paths that the user gave on the command line or that are lade's own. */
MUST_USE struct err *fs_open(int *out, int dirfd, const char *path, int flags, mode_t mode);

/* Create a directory and its parents (mode 0700 of new ones) and open it. */
MUST_USE struct err *fs_mkdir_open(int *out, int dirfd, const char *path);
/* The same without opening it. */
MUST_USE struct err *fs_mkdir_all(int dirfd, const char *path);

/* A regular file's bytes, ERR_RESOURCE above the buffer's maximum, ERR_INPUT when it is no regular file (a
 * FIFO does not block). *found (may be NULL) is set false instead of an error when it is absent. */
MUST_USE struct err *fs_read_file(struct buf *out, int dirfd, const char *path, bool *found);
/* The same with fs_open_beneath: a path that leads out of `dirfd` through a link is ERR_INPUT. */
MUST_USE struct err *fs_read_file_beneath(struct buf *out, int dirfd, const char *path, bool *found);

/* Links are removed, not followed; modes do not hinder; any depth. Absent is success. */
MUST_USE struct err *fs_remove_tree(int dirfd, const char *path);

/* A name for what is not finished yet: ".new-" and 16 random hex digits. newfile_sweep removes such files
 * when old. */
#define FS_NEW_PREFIX ".new-"
#define FS_NEW_NAME (5 + 16 + 1)
void fs_new_name(char name[FS_NEW_NAME]);

/* An unlinked temporary file in `dirfd` (O_TMPFILE, else created and unlinked), read and write. */
MUST_USE struct err *fs_temp(int *out, int dirfd);

/* flock(2). `exclusive` or shared; when `wait` is false and it is held, *got is false. `got` may be NULL when
 * waiting; a wait ends with ERR_STOPPED on a signal. */
MUST_USE struct err *fs_lock(int fd, bool exclusive, bool wait, bool *got);

/* Join two paths with one slash; `b` absolute stands alone. New string. */
char *path_join(const char *a, const char *b);
/* Lexical clean as Go's path.Clean: no "//", ".", "..", trailing slash; "" becomes ".". New string. */
char *path_clean(const char *path);

#endif
