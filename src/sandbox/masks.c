/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"
#include "base/mem.h"
#include "sandbox/inside.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

/* These are kernel file systems that we have just mounted, whose names nobody can turn into links. */
static struct err *open_masked(int *out, bool *directory, int mount, const char *path)
{
    struct stat st;
    int fd = openat(mount, path, O_PATH | O_NOFOLLOW | O_CLOEXEC);

    *out = -1;
    if (fd < 0)
        return errno == ENOENT || errno == EACCES || errno == ENOTDIR ? NULL : err_sys("open %s", path);
    *out = fd;
    if (fstat(fd, &st) != 0)
        return err_sys("stat %s", path);
    *directory = S_ISDIR(st.st_mode);
    return NULL;
}

static struct err *hide(int *empty, int target, bool directory, const char *what)
{
    static const struct mountfd_option options[] = {{"mode", "555"}, {"nr_inodes", "2"}};
    AUTO(fd_close) int cover = -1;

    if (!directory) {
        TRY(mountfd_clone(&cover, AT_FDCWD, "/dev/null", false));
    } else if (*empty < 0) {
        TRY(mountfd_new(empty, "tmpfs", options, ARRAY_LEN(options),
                        MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC));
        return mountfd_attach(*empty, target, what);
    } else {
        TRY(mountfd_clone(&cover, *empty, "", false));
    }
    return mountfd_attach(cover, target, what);
}

struct err *masks_hide(int mount, const char *const *paths, const char *what)
{
    AUTO(fd_close) int empty = -1;

    for (; *paths; paths++) {
        AUTO(fd_close) int target = -1;
        bool directory = false;
        TRY(open_masked(&target, &directory, mount, *paths));
        if (target >= 0)
            TRY(err_wrap(hide(&empty, target, directory, *paths), "hide in %s", what));
    }
    return NULL;
}

struct err *masks_keep(int mount, const char *const *paths, const char *what)
{
    for (; *paths; paths++) {
        AUTO(fd_close) int target = -1;
        AUTO(fd_close) int same = -1;
        bool directory;
        TRY(open_masked(&target, &directory, mount, *paths));
        if (target < 0)
            continue;
        TRY(mountfd_clone(&same, target, "", true));
        TRY(mountfd_restrict(same, MOUNT_ATTR_RDONLY, *paths));
        TRY(err_wrap(mountfd_attach(same, target, *paths), "keep from writing in %s", what));
    }
    return NULL;
}
