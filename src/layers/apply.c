/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/apply.h"

#include "base/fs.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/stop.h"
#include "base/str.h"
#include "layers/linkfirst.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

struct apply {
    struct tree *tree;
    int root;
    bool privileged;
    uid_t uid;
    gid_t gid;
    struct linkfirst first;
    struct apply_report report;
};

/* A name in a directory that is open. */
struct place {
    int fd;
    const struct node *node;
};

static struct err *failed(const char *doing, const struct node *n)
{
    int saved = errno;
    AUTO(mem_free) char *path = node_path(n);
    AUTO(mem_free) char *safe = str_safe(path);
    errno = saved;
    return err_sys("%s %s", doing, safe);
}

static mode_t mode_of(const struct apply *a, const struct node *n)
{
    mode_t mode = n->mode & 07777;

    if (!a->privileged && n->type != NODE_DIR && n->uid != a->uid)
        mode &= ~(mode_t)S_ISUID;
    if (!a->privileged && n->type != NODE_DIR && n->gid != a->gid)
        mode &= ~(mode_t)S_ISGID;
    return mode;
}

static void times_of(const struct node *n, struct timespec times[2])
{
    times[0] = (struct timespec){.tv_nsec = UTIME_OMIT};
    times[1] = (struct timespec){.tv_sec = (time_t)n->mtime, .tv_nsec = (long)n->mtime_ns};
}

static struct err *set_xattrs(struct apply *a, const struct node *n, int fd)
{
    for (uint32_t i = 0; i < n->xattr_count; i++) {
        const struct xattr *x = &n->xattr[i];
        if (fsetxattr(fd, x->name, x->value, x->value_len, 0) == 0)
            continue;
        if (errno != EPERM && errno != EACCES && errno != ENOTSUP)
            return failed("set extended attributes of", n);
        a->report.skipped_xattrs++;
    }
    return NULL;
}

/* For files and directories. The order matters: a new owner takes away setuid and capabilities, and writing
 * an attribute needs no mode but changes no time. */
static struct err *set_metadata(struct apply *a, const struct node *n, int fd)
{
    struct timespec times[2];

    if (a->privileged && fchown(fd, n->uid, n->gid) != 0)
        return failed("set the owner of", n);
    TRY(set_xattrs(a, n, fd));
    if (fchmod(fd, mode_of(a, n)) != 0)
        return failed("set the mode of", n);
    times_of(n, times);
    return futimens(fd, times) == 0 ? NULL : failed("set the time of", n);
}

/* For what cannot be opened without doing something. */
static struct err *set_metadata_at(struct apply *a, struct place at)
{
    const char *name = at.node->name;
    struct timespec times[2];

    if (a->privileged && fchownat(at.fd, name, at.node->uid, at.node->gid, AT_SYMLINK_NOFOLLOW) != 0)
        return failed("set the owner of", at.node);
    if (at.node->type != NODE_SYMLINK && fchmodat(at.fd, name, mode_of(a, at.node), AT_SYMLINK_NOFOLLOW) != 0)
        return failed("set the mode of", at.node);
    times_of(at.node, times);
    return utimensat(at.fd, name, times, AT_SYMLINK_NOFOLLOW) == 0 ? NULL
                                                                   : failed("set the time of", at.node);
}

static struct err *clear_place(struct place at)
{
    if (unlinkat(at.fd, at.node->name, 0) == 0 || errno == ENOENT)
        return NULL;
    if (errno == EISDIR || errno == EPERM)
        return fs_remove_tree(at.fd, at.node->name);
    return failed("replace", at.node);
}

static struct err *write_file(struct apply *a, struct place at)
{
    AUTO(fd_close) int fd = -1;
    AUTO(source_free) struct source *from = NULL;
    AUTO(mem_free) char *path = node_path(at.node);
    AUTO(mem_free) char *safe = str_safe(path);

    TRY(node_open(at.node, &from));
    fd = openat(at.fd, at.node->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return failed("create", at.node);
    for (;;) {
        const uint8_t *data;
        size_t len;
        TRY(stop_check());
        TRY(source_peek(from, &data, &len));
        if (len == 0)
            break;
        TRY(fd_write(fd, data, len, safe));
        source_advance(from, len);
    }
    TRY(set_metadata(a, at.node, fd));
    return close(fd_take(&fd)) == 0 ? NULL : failed("write", at.node);
}

static struct err *open_directory(const struct apply *a, const struct node *dir, int *fd)
{
    AUTO(mem_free) char *path = node_path(dir);

    return fs_open_no_links(fd, a->root, path[0] ? path : ".", O_RDONLY | O_DIRECTORY, 0);
}

/* *done is false where a file of its own is wanted: over a mount, after too many links, or when the first
 * name already stands in a directory that is closed to us. */
static struct err *make_link(const struct apply *a, struct place at, const struct node *first, bool *done)
{
    AUTO(fd_close) int from = -1;

    struct err *e = open_directory(a, first->parent, &from);
    if (e && err_errno(e) == EACCES) {
        err_free(e);
        *done = false;
        return NULL;
    }
    TRY(e);
    *done = linkat(from, first->name, at.fd, at.node->name, 0) == 0;
    return *done || errno == EXDEV || errno == EMLINK || errno == EACCES ? NULL : failed("link", at.node);
}

static struct err *make_special(struct apply *a, struct place at)
{
    const struct node *n = at.node;
    mode_t type = S_IFIFO;

    if (n->type == NODE_CHAR)
        type = S_IFCHR;
    else if (n->type == NODE_BLOCK)
        type = S_IFBLK;
    if (mknodat(at.fd, n->name, type | 0600, makedev(n->device_major, n->device_minor)) == 0)
        return set_metadata_at(a, at);
    if (errno != EPERM || n->type == NODE_FIFO)
        return failed("create", n);
    a->report.skipped_devices++;
    return NULL;
}

static struct err *write_leaf(struct apply *a, struct place at)
{
    const struct node *first = linkfirst_of(&a->first, a->tree, at.node);
    bool linked = false;

    TRY(stop_check());
    TRY(clear_place(at));
    a->report.files++;
    if (first != at.node)
        TRY(make_link(a, at, first, &linked));
    if (linked)
        return NULL;
    if (at.node->type == NODE_FILE)
        return write_file(a, at);
    if (at.node->type != NODE_SYMLINK)
        return make_special(a, at);
    if (symlinkat(at.node->target, at.fd, at.node->name) != 0)
        return failed("create", at.node);
    return set_metadata_at(a, at);
}

/* The metadata come when the children are there. */
static struct err *make_directory(struct place at)
{
    const char *name = at.node->name;
    struct stat st;

    if (mkdirat(at.fd, name, 0700) == 0)
        return NULL;
    if (errno != EEXIST || fstatat(at.fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return failed("create directory", at.node);
    if (!S_ISDIR(st.st_mode)) {
        TRY(clear_place(at));
        return mkdirat(at.fd, name, 0700) == 0 ? NULL : failed("create directory", at.node);
    }
    /* One that we wrote before may forbid even its owner to write. */
    if ((st.st_mode & 0700) != 0700 && fchmodat(at.fd, name, st.st_mode | 0700, AT_SYMLINK_NOFOLLOW) != 0)
        return failed("change the mode of directory", at.node);
    return NULL;
}

static struct err *check_name(const struct node *n)
{
    bool sound = n->name[0] && !strchr(n->name, '/') && !str_eq(n->name, ".") && !str_eq(n->name, "..");

    return sound ? NULL : err_new(ERR_INTERNAL, "a file tree has a name that is none");
}

static struct err *write_children(struct apply *a, struct node **child, size_t count, int fd)
{
    for (size_t i = 0; i < count; i++) {
        struct place at = {.fd = fd, .node = child[i]};
        TRY(check_name(child[i]));
        if (child[i]->type == NODE_DIR)
            TRY(make_directory(at));
        else if (child[i]->type != NODE_WHITEOUT)
            TRY(write_leaf(a, at));
    }
    return NULL;
}

/* No descriptor stays open while deeper directories are written, so depth has no limit of its own. */
static struct err *write_directory(struct apply *a, struct node *dir)
{
    struct node **child;
    size_t count;

    TRY(tree_children(a->tree, dir, &child, &count));
    {
        AUTO(fd_close) int fd = -1;
        TRY(open_directory(a, dir, &fd));
        TRY(write_children(a, child, count, fd));
    }
    for (size_t i = 0; i < count; i++)
        if (child[i]->type == NODE_DIR)
            TRY(write_directory(a, child[i]));
    if (!dir->parent)
        return NULL;
    AUTO(fd_close) int fd = -1;
    TRY(open_directory(a, dir, &fd));
    if (!dir->implicit)
        return set_metadata(a, dir, fd);
    return fchmod(fd, 0755) == 0 ? NULL : failed("set the mode of", dir);
}

struct err *apply_tree(struct tree *t, int dirfd, struct apply_report *report)
{
    struct apply a = {
        .tree = t, .root = dirfd, .privileged = geteuid() == 0, .uid = geteuid(), .gid = getegid()};
    struct err *e = write_directory(&a, tree_root(t));

    linkfirst_wipe(&a.first);
    if (!e && report)
        *report = a.report;
    return e;
}
