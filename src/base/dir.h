/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BASE_DIR_H
#define LADE_BASE_DIR_H

#include "base/fs.h"

#include <dirent.h>

/* For AUTO(closedir): a directory that is being listed. */
static inline void closedir_auto(DIR **dir)
{
    if (*dir)
        (void)closedir(*dir);
}

/* Lists an open directory; takes `fd`, which may be that of an open that has failed. NULL and errno when it
 * cannot. */
static inline DIR *dir_take(int fd)
{
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir && fd >= 0)
        fd_close(fd);
    return dir;
}

#endif
