/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/str.h"
#include "layers/tree_dir.h"
#include "layers/tree_inner.h"

#include <errno.h>
#include <limits.h>
#include <linux/limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

/* "/proc/self/fd/N/" and a name. */
#define PROC_PATH (32 + NAME_MAX + 1)

static bool is_kept(const char *name)
{
    return str_starts(name, "user.") || str_eq(name, "security.capability");
}

static struct err *read_value(struct tree *t, struct node *n, const char *proc_path, const char *name,
                              const char *path)
{
    if (!t->dir->xattr_value)
        t->dir->xattr_value = mem_alloc(XATTR_SIZE_MAX);
    ssize_t len = lgetxattr(proc_path, name, t->dir->xattr_value, XATTR_SIZE_MAX);
    if (len < 0)
        return errno == ENODATA || errno == ENOENT ? tree_dir_changed(path)
                                                   : tree_dir_error("read the extended attributes of", path);
    node_set_xattr(t, n, name, t->dir->xattr_value, (size_t)len);
    return NULL;
}

/* There is no system call for "name beneath this descriptor" before Linux 6.13; the descriptor's place in
 * /proc is the same, and a link as last component is not followed. */
struct err *tree_dir_xattrs(struct tree *t, struct node *n, int fd, const char *name, const char *path)
{
    char proc_path[PROC_PATH];

    if (!t->dir->xattr_names)
        t->dir->xattr_names = mem_alloc(XATTR_LIST_MAX);
    snprintf(proc_path, sizeof proc_path, "/proc/self/fd/%d/%s", fd, name);
    ssize_t len = llistxattr(proc_path, t->dir->xattr_names, XATTR_LIST_MAX);
    if (len < 0 && (errno == ENOTSUP || errno == ENOSYS))
        return NULL;
    if (len < 0 && errno == ENOENT && access("/proc/self/fd", F_OK) == 0)
        return tree_dir_changed(path);
    if (len < 0)
        return err_hint(tree_dir_error("read the extended attributes of", path),
                        "lade needs /proc to be mounted");
    for (ssize_t at = 0; at < len; at += (ssize_t)strlen(t->dir->xattr_names + at) + 1)
        if (is_kept(t->dir->xattr_names + at))
            TRY(read_value(t, n, proc_path, t->dir->xattr_names + at, path));
    return NULL;
}
