/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/mountfd.h"

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

#define FD_PATH_ROOM 32

struct err *mountfd_new(int *out, const char *type, const struct mountfd_option *option, size_t count,
                        unsigned attributes)
{
    AUTO(fd_close) int context = fsopen(type, FSOPEN_CLOEXEC);

    if (context < 0)
        return err_sys("create a file system of type %s", type);
    for (size_t i = 0; i < count; i++)
        if (fsconfig(context, FSCONFIG_SET_STRING, option[i].key, option[i].value, 0) != 0)
            return err_sys("set %s=%s of a file system of type %s", option[i].key, option[i].value, type);
    if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) != 0)
        return err_sys("create a file system of type %s", type);
    int fd = fsmount(context, FSMOUNT_CLOEXEC, attributes);
    if (fd < 0)
        return err_sys("mount a file system of type %s", type);
    *out = fd;
    return NULL;
}

struct err *mountfd_clone(int *out, int dirfd, const char *path, bool deep)
{
    unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (deep ? AT_RECURSIVE : 0u) |
                     (*path ? 0u : (unsigned)AT_EMPTY_PATH);
    int fd = open_tree(dirfd, path, flags);

    if (fd < 0) {
        AUTO(mem_free) char *safe = str_safe(path);
        return err_sys("bind %s", safe);
    }
    *out = fd;
    return NULL;
}

struct err *mountfd_restrict(int fd, uint64_t attributes, const char *what)
{
    struct mount_attr attr = {.attr_set = attributes};

    if (mount_setattr(fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof attr) != 0)
        return err_sys("restrict the mount of %s", what);
    return NULL;
}

struct err *mountfd_attach(int fd, int target, const char *what)
{
    if (move_mount(fd, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) != 0)
        return err_sys("mount %s", what);
    return NULL;
}

struct err *mountfd_add(struct mountfd_list *list, int *fd, int target, const char *what)
{
    TRY(mountfd_attach(*fd, target, what));
    MEM_PUSH(list->fd, list->count, list->room, fd_take(fd));
    return NULL;
}

/* A mount has no call to take it away by descriptor, but a name in /proc. */
struct err *mountfd_detach(struct mountfd_list *list, int proc)
{
    if (list->count > 0 && fchdir(proc) != 0)
        return err_sys("enter /proc");
    while (list->count > 0) {
        char path[FD_PATH_ROOM];
        AUTO(fd_close) int fd = list->fd[--list->count];
        snprintf(path, sizeof path, "self/fd/%d", fd);
        if (umount2(path, MNT_DETACH) != 0)
            return err_sys("unmount what the sandbox mounted");
    }
    return chdir("/") == 0 ? NULL : err_sys("enter /");
}
