/* SPDX-License-Identifier: Apache-2.0 */
#include "base/io.h"
#include "base/mem.h"
#include "base/stop.h"
#include "base/str.h"
#include "layers/unpacked_inner.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

/* So many levels of directories stay open while those below them are written; the parents of deeper ones are
 * found again by "..", which nobody can change: the directory is ours alone until it is done. */
#define LEVELS_OPEN 64

/* Attributes by which overlay file systems mark their files. What a layer brings of them is not for us. */
static bool is_overlay_mark(const char *name)
{
    return str_starts(name, "user.overlay.") || str_starts(name, "trusted.overlay.");
}

struct err *unpack_error(const char *doing, const struct node *n)
{
    int saved = errno;
    AUTO(mem_free) char *path = node_path(n);
    AUTO(mem_free) char *safe = str_safe(path);
    errno = saved;
    return err_sys("%s %s", doing, safe);
}

void unpack_stage_name(char name[UNPACK_NAME], uint32_t number)
{
    snprintf(name, UNPACK_NAME, "%lu", (unsigned long)number);
}

/* Other attributes than user.* are in the layer's tree only, where all files are ours. Those that this file
 * system or this process cannot set are too. */
static struct err *set_xattrs(const struct unpack_writer *w, const struct node *n, int fd)
{
    for (uint32_t i = 0; i < n->xattr_count; i++) {
        const struct xattr *x = &n->xattr[i];
        if (is_overlay_mark(x->name) || (w->kind == UNPACKED_OURS && !str_starts(x->name, "user.")))
            continue;
        if (fsetxattr(fd, x->name, x->value, x->value_len, 0) != 0 && errno != EPERM && errno != EACCES &&
            errno != ENOTSUP && errno != EINVAL)
            return unpack_error("set extended attributes of", n);
    }
    return NULL;
}

/* No overlay has its upper directory on these, so what is unpacked there is only ever copied (clone.h), and
 * the marks that tars have will do. */
static bool takes_tar_marks(int dir)
{
    static const uint32_t types[] = {OVERLAYFS_SUPER_MAGIC, FUSE_SUPER_MAGIC, NFS_SUPER_MAGIC, V9FS_MAGIC,
                                     SMB2_SUPER_MAGIC};
    struct statfs fs;

    if (fstatfs(dir, &fs) != 0)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if ((uint32_t)fs.f_type == types[i])
            return true;
    return false;
}

static struct err *place_tar_mark(const struct node *n, int dir, const char *name)
{
    AUTO(mem_free) char *mark = mem_printf(UNPACK_MARK "%s", name);
    AUTO(fd_close) int fd = openat(dir, mark, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    return fd < 0 ? unpack_error("hide", n) : NULL;
}

static struct err *mark_opaque(const struct node *n, int fd)
{
    if (!n->opaque || fsetxattr(fd, "user.overlay.opaque", "y", 1, 0) == 0)
        return NULL;
    bool refused = errno == ENOTSUP || errno == EPERM;
    struct err *e = unpack_error("hide what lies below", n);
    if (!refused)
        return e;
    if (takes_tar_marks(fd)) {
        err_free(e);
        return place_tar_mark(n, fd, UNPACK_MARK_OPAQUE);
    }
    return err_hint(err_as(e, ERR_UNSUPPORTED),
                    "the cache must be on a file system with extended attributes of users; set LADE_CACHE");
}

/* A new owner takes setuid and capabilities away, and writing attributes takes permission, so the mode comes
 * after them, and the time last. */
struct err *unpack_meta(const struct unpack_writer *w, const struct node *n, int fd)
{
    const struct timespec times[2] = {
        {.tv_nsec = UTIME_OMIT},
        {.tv_sec = (time_t)n->mtime, .tv_nsec = (long)n->mtime_ns},
    };

    if (w->kind == UNPACKED_REAL && fchown(fd, n->uid, n->gid) != 0)
        return unpack_error("set the owner of", n);
    if (n->xattr_count > 0)
        TRY(set_xattrs(w, n, fd));
    if (fchmod(fd, n->mode & 07777) != 0)
        return unpack_error("set the mode of", n);
    return futimens(fd, times) == 0 ? NULL : unpack_error("set the time of", n);
}

/* For what cannot be opened without doing something. */
static struct err *set_meta_at(const struct unpack_writer *w, const struct node *n, int dir)
{
    const struct timespec times[2] = {
        {.tv_nsec = UTIME_OMIT},
        {.tv_sec = (time_t)n->mtime, .tv_nsec = (long)n->mtime_ns},
    };

    if (w->kind == UNPACKED_REAL && fchownat(dir, n->name, n->uid, n->gid, AT_SYMLINK_NOFOLLOW) != 0)
        return unpack_error("set the owner of", n);
    if (n->type != NODE_SYMLINK && fchmodat(dir, n->name, n->mode & 07777, AT_SYMLINK_NOFOLLOW) != 0)
        return unpack_error("set the mode of", n);
    return utimensat(dir, n->name, times, AT_SYMLINK_NOFOLLOW) == 0 ? NULL
                                                                    : unpack_error("set the time of", n);
}

struct err *unpack_create(int *out, int dir, const char *name, const struct node *n)
{
    *out = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    return *out >= 0 ? NULL : unpack_error("create", n);
}

struct err *unpack_close(const struct unpack_writer *w, const struct node *n, int *fd)
{
    TRY(unpack_meta(w, n, *fd));
    return close(fd_take(fd)) == 0 ? NULL : unpack_error("write", n);
}

static struct err *write_content(const struct unpack_writer *w, const struct node *n, int dir,
                                 const char *name)
{
    AUTO(fd_close) int fd = -1;
    AUTO(source_free) struct source *from = NULL;

    TRY(node_open(n, &from));
    TRY(unpack_create(&fd, dir, name, n));
    for (;;) {
        const uint8_t *data;
        size_t len;
        TRY(source_peek(from, &data, &len));
        if (len == 0)
            return unpack_close(w, n, &fd);
        TRY(fd_write(fd, data, len, n->name));
        source_advance(from, len);
    }
}

static struct err *link_from_stage(const struct unpack_writer *w, const struct node *n, int dir,
                                   const char *staged)
{
    if (linkat(w->stage, staged, dir, n->name, 0) == 0)
        return NULL;
    bool many = errno == EMLINK;
    struct err *e = unpack_error("link", n);
    return many ? err_as(e, ERR_RESOURCE) : e;
}

/* Names of one file are links to what stands in the stage. */
static struct err *place_file(struct unpack_writer *w, const struct node *n, int dir)
{
    char staged[UNPACK_NAME];

    unpack_stage_name(staged, w->packed ? n->content.entry : n->link_group);
    if (n->link_group == 0 && !w->packed)
        return write_content(w, n, dir, n->name);
    if (n->link_group == 0)
        return renameat(w->stage, staged, dir, n->name) == 0 ? NULL : unpack_error("place", n);
    if (!w->packed && linkfirst_of(&w->first, w->tree, n) == n)
        TRY(write_content(w, n, w->stage, staged));
    return link_from_stage(w, n, dir, staged);
}

/* A device for which we may not have a node is an empty file; the layer's tree says what it is. */
static struct err *place_special(const struct unpack_writer *w, const struct node *n, int dir)
{
    mode_t type = n->type == NODE_FIFO ? S_IFIFO : n->type == NODE_CHAR ? S_IFCHR : S_IFBLK;
    AUTO(fd_close) int fd = -1;

    if (n->type == NODE_FIFO || w->kind == UNPACKED_REAL) {
        if (mknodat(dir, n->name, type | 0600, makedev(n->device_major, n->device_minor)) == 0)
            return set_meta_at(w, n, dir);
        if (errno != EPERM || n->type == NODE_FIFO)
            return unpack_error("create", n);
    }
    TRY(unpack_create(&fd, dir, n->name, n));
    return unpack_close(w, n, &fd);
}

static struct err *place_whiteout(const struct node *n, int dir)
{
    if (mknodat(dir, n->name, S_IFCHR, makedev(0, 0)) == 0)
        return NULL;
    bool refused = errno == EPERM || errno == ENOTSUP;
    struct err *e = unpack_error("hide", n);
    if (refused && takes_tar_marks(dir)) {
        err_free(e);
        return place_tar_mark(n, dir, n->name);
    }
    return refused ? err_hint(err_as(e, ERR_UNSUPPORTED),
                              "whiteouts need Linux 5.8 and a file system that can hold them; set LADE_CACHE")
                   : e;
}

static struct err *place_leaf(struct unpack_writer *w, const struct node *n, int dir)
{
    TRY(stop_check());
    switch (n->type) {
    case NODE_FILE:
        return place_file(w, n, dir);
    case NODE_SYMLINK:
        if (symlinkat(n->target, dir, n->name) != 0)
            return unpack_error("create", n);
        return set_meta_at(w, n, dir);
    case NODE_WHITEOUT:
        return place_whiteout(n, dir);
    case NODE_LINK: /* unpacked_patch */
        return NULL;
    case NODE_CHAR:
    case NODE_BLOCK:
    case NODE_FIFO:
    case NODE_DIR:
        break;
    }
    return place_special(w, n, dir);
}

static struct err *write_children(struct unpack_writer *w, struct node *dir, int *fd, unsigned depth);

static struct err *write_directory(struct unpack_writer *w, struct node *n, int *parent, unsigned depth)
{
    AUTO(fd_close) int fd = -1;

    if (mkdirat(*parent, n->name, 0700) != 0)
        return unpack_error("create directory", n);
    fd = openat(*parent, n->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return unpack_error("open directory", n);
    if (depth >= LEVELS_OPEN)
        fd_close(fd_take(parent));
    TRY(write_children(w, n, &fd, depth));
    if (*parent < 0)
        *parent = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*parent < 0)
        return unpack_error("go back from directory", n);
    TRY(mark_opaque(n, fd));
    return unpack_meta(w, n, fd);
}

static bool is_sound(const char *name)
{
    return name[0] && !strchr(name, '/') && !str_eq(name, ".") && !str_eq(name, "..");
}

static struct err *write_children(struct unpack_writer *w, struct node *dir, int *fd, unsigned depth)
{
    struct node **child;
    size_t count;

    TRY(tree_children(w->tree, dir, &child, &count));
    for (size_t i = 0; i < count; i++) {
        if (!is_sound(child[i]->name))
            return err_new(ERR_INTERNAL, "a file tree has a name that is none");
        if (child[i]->type == NODE_DIR)
            TRY(write_directory(w, child[i], fd, depth + 1));
        else
            TRY(place_leaf(w, child[i], *fd));
    }
    return NULL;
}

struct err *unpack_tree(struct unpack_writer *w, int *fs)
{
    struct node *root = tree_root(w->tree);
    struct err *e = write_children(w, root, fs, 0);

    linkfirst_wipe(&w->first);
    TRY(e);
    TRY(mark_opaque(root, *fs));
    return unpack_meta(w, root, *fs);
}
