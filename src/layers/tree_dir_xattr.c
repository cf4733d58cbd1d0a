/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/str.h"
#include "layers/tree_dir.h"
#include "layers/tree_inner.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Room for the names of a file's attributes, at first. */
#define LIST_FIRST 512
/* "/proc/self/fd/N/" and a name. */
#define PROC_PATH (32 + NAME_MAX + 1)

/* The same on all machines that Debian 12 runs on; its headers do not name it yet. */
#define LISTXATTRAT 465

static void print_proc_path(char path[PROC_PATH], int fd, const char *name)
{
    snprintf(path, PROC_PATH, "/proc/self/fd/%d/%s", fd, name);
}

static bool is_kept(const char *name)
{
    return str_starts(name, "user.") || str_eq(name, "security.capability");
}

static struct err *read_value(struct dir_reader *r, struct node *n, const char *proc_path, const char *name,
                              const char *path)
{
    if (!r->xattr_value)
        r->xattr_value = mem_alloc(XATTR_SIZE_MAX);
    ssize_t len = lgetxattr(proc_path, name, r->xattr_value, XATTR_SIZE_MAX);
    if (len < 0)
        return errno == ENODATA || errno == ENOENT ? tree_dir_changed(path)
                                                   : tree_dir_error("read the extended attributes of", path);
    node_set_xattr(r->store, n, name, r->xattr_value, (size_t)len);
    return NULL;
}

/* The names of all attributes, NUL after each. listxattrat (Linux 6.13) does it in one step. Before it, the
 * descriptor's place in /proc stands for "name beneath this descriptor", at nearly three times the price. A
 * link as last component is followed by neither. */
static ssize_t list_into(struct dir_reader *r, int fd, const char *name, size_t room)
{
    char proc_path[PROC_PATH];

    if (!r->no_listxattrat) {
        long len = syscall(LISTXATTRAT, fd, name, AT_SYMLINK_NOFOLLOW, r->xattr_names, room);
        if (len >= 0 || errno == ERANGE)
            return len;
        r->no_listxattrat = errno == ENOSYS || errno == EPERM; /* EPERM: an old container's filter */
    }
    print_proc_path(proc_path, fd, name);
    return llistxattr(proc_path, r->xattr_names, room);
}

/* The kernel makes itself as much room as it is offered, which costs more than the rest, and most files have
 * no attributes. */
static ssize_t list_names(struct dir_reader *r, int fd, const char *name)
{
    ssize_t len = list_into(r, fd, name, LIST_FIRST);

    return len < 0 && errno == ERANGE ? list_into(r, fd, name, XATTR_LIST_MAX) : len;
}

struct err *dir_reader_xattrs(struct dir_reader *r, struct node *n, int fd, const char *name,
                              const char *path)
{
    char proc_path[PROC_PATH];

    if (!r->xattr_names)
        r->xattr_names = mem_alloc(XATTR_LIST_MAX);
    ssize_t len = list_names(r, fd, name);
    if (len < 0 && (errno == ENOTSUP || errno == ENOSYS))
        return NULL;
    if (len < 0 && errno == ENOENT && access("/proc/self/fd", F_OK) == 0)
        return tree_dir_changed(path);
    if (len < 0)
        return err_hint(tree_dir_error("read the extended attributes of", path),
                        "lade needs /proc to be mounted");
    if (len > 0)
        print_proc_path(proc_path, fd, name);
    for (ssize_t at = 0; at < len; at += (ssize_t)strlen(r->xattr_names + at) + 1)
        if (is_kept(r->xattr_names + at))
            TRY(read_value(r, n, proc_path, r->xattr_names + at, path));
    return NULL;
}
