/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/clone.h"

#include "base/dir.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/stop.h"
#include "base/str.h"
#include "layers/unpacked_inner.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#define DEPTH_MAX 1000u
#define PIECE (1u << 20)
#define XATTR_MAX 65536u
#define OVERLAY_PREFIX "user.overlay."
#define OVERLAY_TRUSTED_PREFIX "trusted.overlay."

/* Files with several names, by inode, and where the first name went. */
struct seen {
    dev_t device;
    ino_t inode;
    char *path; /* in `to` */
};

struct cloning {
    const struct clone_options *options;
    int to;
    struct seen *seen;
    size_t seen_count, seen_room;
    char *names, *value; /* room for extended attributes */
};

static struct err *failed(const char *doing, const char *path)
{
    int saved = errno;
    AUTO(mem_free) char *safe = str_safe(path);
    errno = saved;
    return err_sys("%s %s", doing, safe);
}

static struct err *copy_bytes(int to, int from, uint64_t size, const char *path)
{
    if (ioctl(to, FICLONE, from) == 0)
        return NULL;
    for (uint64_t done = 0; done < size;) {
        TRY(stop_check());
        size_t want = size - done < PIECE ? (size_t)(size - done) : PIECE;
        ssize_t n = copy_file_range(from, NULL, to, NULL, want, 0);
        if (n < 0 && (errno == EXDEV || errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP)) {
            AUTO(mem_free) char *piece = mem_alloc(PIECE);
            n = read(from, piece, want);
            if (n > 0)
                TRY(fd_write(to, piece, (size_t)n, path));
        }
        if (n < 0 && errno != EINTR)
            return failed("copy", path);
        if (n == 0)
            return NULL;
        done += n > 0 ? (uint64_t)n : 0;
    }
    return NULL;
}

static bool is_overlays(const char *name)
{
    return str_starts(name, OVERLAY_PREFIX) || str_starts(name, OVERLAY_TRUSTED_PREFIX);
}

/* Attributes that cannot be set here are left out: they would not be there without a copy either. */
static void copy_xattrs(struct cloning *c, int to, int from)
{
    ssize_t len = flistxattr(from, c->names, XATTR_MAX);
    for (ssize_t at = 0; at < len; at += (ssize_t)strlen(c->names + at) + 1) {
        const char *name = c->names + at;
        if (is_overlays(name))
            continue;
        ssize_t size = fgetxattr(from, name, c->value, XATTR_MAX);
        if (size >= 0)
            (void)fsetxattr(to, name, c->value, (size_t)size, 0);
    }
}

/* Owner first: it takes setuid bits away. The time last. */
static struct err *copy_meta(struct cloning *c, int to, int from, const struct stat *st, const char *path)
{
    if (c->options->owners && fchown(to, st->st_uid, st->st_gid) < 0)
        return failed("set the owner of", path);
    copy_xattrs(c, to, from);
    if (fchmod(to, st->st_mode & 07777) < 0)
        return failed("set the mode of", path);
    struct timespec times[2] = {st->st_atim, st->st_mtim};
    return futimens(to, times) < 0 ? failed("set the time of", path) : NULL;
}

static struct err *remove_old(int to, const char *name)
{
    if (unlinkat(to, name, 0) == 0 || errno == ENOENT)
        return NULL;
    return fs_remove_tree(to, name);
}

/* A further name of a file that is there already. */
static struct err *clone_link(struct cloning *c, int to, const char *name, const struct stat *st,
                              const char *path, bool *done)
{
    *done = false;
    if (st->st_nlink < 2)
        return NULL;
    for (size_t i = 0; i < c->seen_count; i++) {
        const struct seen *s = &c->seen[i];
        if (s->device != st->st_dev || s->inode != st->st_ino)
            continue;
        *done = linkat(c->to, s->path, to, name, 0) == 0;
        return *done ? NULL : failed("link", path);
    }
    MEM_PUSH(c->seen, c->seen_count, c->seen_room, (struct seen){st->st_dev, st->st_ino, mem_strdup(path)});
    return NULL;
}

static struct err *clone_file(struct cloning *c, int to, int from, const char *name, const struct stat *st,
                              const char *path)
{
    AUTO(fd_close) int source = -1;
    AUTO(fd_close) int copy = -1;
    bool linked = false;
    TRY(clone_link(c, to, name, st, path, &linked));
    if (linked)
        return NULL;
    source = openat(from, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (source < 0 && errno == EACCES && fchmodat(from, name, (st->st_mode & 07777) | 0400, 0) == 0) {
        source = openat(from, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (fchmodat(from, name, st->st_mode & 07777, 0) != 0)
            return failed("set the mode", path);
    }
    if (source < 0)
        return failed("open", path);
    TRY(fs_open(&copy, to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
    TRY(copy_bytes(copy, source, (uint64_t)st->st_size, path));
    return copy_meta(c, copy, source, st, path);
}

static struct err *clone_symlink(struct cloning *c, int to, int from, const char *name, const struct stat *st,
                                 const char *path)
{
    char target[PATH_MAX];
    ssize_t len = readlinkat(from, name, target, sizeof target - 1);
    if (len < 0)
        return failed("read link", path);
    target[len] = '\0';
    if (symlinkat(target, to, name) < 0)
        return failed("make link", path);
    if (c->options->owners && fchownat(to, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
        return failed("set the owner of", path);
    struct timespec times[2] = {st->st_atim, st->st_mtim};
    (void)utimensat(to, name, times, AT_SYMLINK_NOFOLLOW);
    return NULL;
}

/* Devices and FIFOs. */
static struct err *clone_special(struct cloning *c, int to, const char *name, const struct stat *st,
                                 const char *path)
{
    if (S_ISSOCK(st->st_mode))
        return NULL;
    if (mknodat(to, name, st->st_mode, st->st_rdev) < 0)
        return failed("make", path);
    if (c->options->owners && fchownat(to, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
        return failed("set the owner of", path);
    if (fchmodat(to, name, st->st_mode & 07777, 0) < 0)
        return failed("set the mode of", path);
    struct timespec times[2] = {st->st_atim, st->st_mtim};
    (void)utimensat(to, name, times, AT_SYMLINK_NOFOLLOW);
    return NULL;
}

static struct err *clone_children(struct cloning *c, int to, int from, const char *path, unsigned depth);

static bool is_opaque(int dir)
{
    char value[2] = "";
    if (faccessat(dir, UNPACK_MARK UNPACK_MARK_OPAQUE, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return true;
    return fgetxattr(dir, OVERLAY_PREFIX "opaque", value, sizeof value) == 1 && *value == 'y';
}

static struct err *clone_directory(struct cloning *c, int to, int from, const char *name,
                                   const struct stat *st, const char *path, unsigned depth)
{
    AUTO(fd_close) int source = -1;
    AUTO(fd_close) int copy = -1;
    struct stat old;
    source = openat(from, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (source < 0 && errno == EACCES && fchmodat(from, name, (st->st_mode & 07777) | 0500, 0) == 0) {
        source = openat(from, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (fchmodat(from, name, st->st_mode & 07777, 0) != 0)
            return failed("set the mode", path);
    }
    if (source < 0)
        return failed("open", path);
    bool there = fstatat(to, name, &old, AT_SYMLINK_NOFOLLOW) == 0;
    if (there && (!S_ISDIR(old.st_mode) || (c->options->overlay && is_opaque(source)))) {
        TRY(remove_old(to, name));
        there = false;
    }
    if (!there && mkdirat(to, name, 0700) < 0)
        return failed("make directory", path);
    if (there && fchmodat(to, name, (old.st_mode & 07777) | 0700, 0) != 0)
        return failed("set the mode", path);
    TRY(fs_open(&copy, to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0));
    TRY(clone_children(c, copy, source, path, depth + 1));
    return copy_meta(c, copy, source, st, path);
}

/* A whiteout as tars have it. Commands may have made files with such names, of which some hide nothing. */
static struct err *follow_mark(int to, const char *name)
{
    const char *hidden = name + strlen(UNPACK_MARK);
    bool none = !*hidden || str_eq(hidden, ".") || str_eq(hidden, "..");
    return none || str_eq(hidden, UNPACK_MARK_OPAQUE) ? NULL : remove_old(to, hidden);
}

static struct err *clone_entry(struct cloning *c, int to, int from, const char *name, const char *path,
                               unsigned depth)
{
    struct stat st;
    if (c->options->overlay && str_starts(name, UNPACK_MARK))
        return follow_mark(to, name);
    if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return failed("look at", path);
    if (S_ISDIR(st.st_mode))
        return clone_directory(c, to, from, name, &st, path, depth);
    TRY(remove_old(to, name));
    if (c->options->overlay && S_ISCHR(st.st_mode) && st.st_rdev == makedev(0, 0))
        return NULL;
    if (S_ISREG(st.st_mode))
        return clone_file(c, to, from, name, &st, path);
    if (S_ISLNK(st.st_mode))
        return clone_symlink(c, to, from, name, &st, path);
    return clone_special(c, to, name, &st, path);
}

static struct err *clone_children(struct cloning *c, int to, int from, const char *path, unsigned depth)
{
    if (depth > DEPTH_MAX)
        return err_new(ERR_RESOURCE, "directories are nested deeper than %u", DEPTH_MAX);
    AUTO(closedir) DIR *listing = dir_take(openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!listing)
        return failed("read", path);
    for (;;) {
        TRY(stop_check());
        errno = 0;
        const struct dirent *entry = readdir(listing);
        if (!entry)
            return errno ? failed("read", path) : NULL;
        if (str_eq(entry->d_name, ".") || str_eq(entry->d_name, ".."))
            continue;
        AUTO(mem_free)
        char *below = *path ? mem_printf("%s/%s", path, entry->d_name) : mem_strdup(entry->d_name);
        TRY(clone_entry(c, to, from, entry->d_name, below, depth));
    }
}

struct err *clone_dir(int to, int from, const struct clone_options *options)
{
    struct cloning c = {.options = options, .to = to};
    struct stat st;
    c.names = mem_alloc(XATTR_MAX);
    c.value = mem_alloc(XATTR_MAX);
    struct err *e = clone_children(&c, to, from, "", 0);
    if (!e && fstat(from, &st) < 0)
        e = err_sys("look at a directory that is copied");
    if (!e)
        e = copy_meta(&c, to, from, &st, "/");
    for (size_t i = 0; i < c.seen_count; i++)
        free(c.seen[i].path);
    free(c.seen);
    free(c.names);
    free(c.value);
    return e;
}
