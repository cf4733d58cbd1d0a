/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/resolve.h"

#include "base/fs.h"
#include "base/num.h"
#include "base/str.h"
#include "sandbox/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOOKED_AT (STATX_BASIC_STATS | STATX_BTIME)
/* "<thread>/fd/<number>/" before a path. */
#define PREFIX_MAX 40
/* A path with ".." is tried again when something was renamed meanwhile (EAGAIN). */
#define TRIES 16

static bool is_below(const char *path, const char *directory)
{
    size_t len = strlen(directory);

    return strncmp(path, directory, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

/* Names that mean a descriptor of whoever asks. */
static bool named_stream(const char *path, int *fd)
{
    static const char *const streams[] = {"/dev/stdin", "/dev/stdout", "/dev/stderr"};

    for (size_t i = 0; i < ARRAY_LEN(streams); i++) {
        if (str_eq(path, streams[i])) {
            *fd = (int)i;
            return true;
        }
    }
    return false;
}

/* What stands behind a link of /proc, to be read from where the link leads to. */
static void shorten(struct subject *s, const char *rest, bool from_root)
{
    size_t len;

    while (*rest == '/')
        rest++;
    if (*rest == '\0')
        rest = ".";
    len = strlen(rest);
    memmove(s->path + (from_root ? 1 : 0), rest, len + 1);
}

/* The links of a process to its own directories and descriptors lead elsewhere for us. False: the path is
 * none of these, or means such a link itself. */
static bool through_self(struct subject *s)
{
    static const char *const folders[] = {"/proc/self/", "/proc/thread-self/", "/dev/"};
    const char *name = NULL, *rest;
    uint64_t number;

    for (size_t i = 0; i < ARRAY_LEN(folders) && !name; i++) {
        if (str_starts(s->path, folders[i]))
            name = s->path + strlen(folders[i]);
    }
    if (!name)
        return false;
    if (str_starts(name, "fd/")) {
        size_t digits = strspn(name + 3, "0123456789");
        char text[12];

        rest = name + 3 + digits;
        if (digits == 0 || digits >= sizeof text || (*rest != '/' && !(*rest == '\0' && s->follow)))
            return false;
        memcpy(text, name + 3, digits);
        text[digits] = '\0';
        if (!num_parse(text, INT_MAX, &number))
            return false;
        s->fd = (int)number;
        s->by_fd = *rest == '\0';
        if (!s->by_fd)
            shorten(s, rest, false);
        return true;
    }
    if (name == s->path + strlen("/dev/") || (!is_below(name, "cwd") && !is_below(name, "root")))
        return false;
    rest = name + (*name == 'c' ? strlen("cwd") : strlen("root"));
    if (*rest == '\0' && !s->follow)
        return false;
    shorten(s, rest, *name == 'r');
    return true;
}

bool subject_read(struct subject *s, const struct ask *a, int fd, uint64_t path_address, int flags)
{
    s->by_fd = false;
    s->fd = fd;
    s->follow = !(flags & AT_SYMLINK_NOFOLLOW);
    if (path_address == 0 && (flags & AT_EMPTY_PATH))
        s->path[0] = '\0';
    else if (memory_read_path(a->thread, path_address, s->path) != 0)
        return false;
    if (s->path[0] == '\0') {
        if (!(flags & AT_EMPTY_PATH))
            return false;
        s->by_fd = true;
        return true;
    }
    if (s->path[0] == '/') {
        s->fd = AT_FDCWD;
        if (s->follow && named_stream(s->path, &s->fd))
            s->by_fd = true;
        else if (!through_self(s) && (is_below(s->path, "/proc") || is_below(s->path, "/sys")))
            return false;
    }
    return true;
}

void subject_of_fd(struct subject *s, int fd)
{
    s->by_fd = true;
    s->fd = fd;
    s->follow = true;
    s->path[0] = '\0';
}

/* Of the descriptor, or of the directory that a path starts from, below the supervisor's /proc. */
static int print_start(const struct subject *s, const struct ask *a, char *name, size_t size)
{
    if (s->fd == AT_FDCWD)
        return snprintf(name, size, "%d/cwd", (int)a->thread);
    return snprintf(name, size, "%d/fd/%d", (int)a->thread, s->fd);
}

static int look(int dirfd, const char *name, int flags, struct statx *st)
{
    return statx(dirfd, name, flags | AT_NO_AUTOMOUNT | AT_STATX_SYNC_AS_STAT, LOOKED_AT, st) == 0 ? 0
                                                                                                   : errno;
}

int resolve_statx_fd(int fd, struct statx *st)
{
    return look(fd, "", AT_EMPTY_PATH, st);
}

static int look_exactly(const struct subject *s, const struct ask *a, struct statx *st)
{
    __attribute__((cleanup(fd_close_auto))) int fd = -1;
    int error = subject_open(s, a, &fd);

    return error != 0 ? error : resolve_statx_fd(fd, st);
}

int subject_statx(const struct subject *s, const struct ask *a, struct statx *st)
{
    char name[PREFIX_MAX + PATH_MAX];
    int flags = s->follow ? 0 : AT_SYMLINK_NOFOLLOW;
    int length, error;

    if (s->by_fd) {
        (void)print_start(s, a, name, sizeof name);
        return look(a->e->proc, name, 0, st);
    }
    if (a->e->rooted)
        return look_exactly(s, a, st);
    if (s->path[0] == '/')
        return look(AT_FDCWD, s->path, flags, st);
    length = print_start(s, a, name, PREFIX_MAX);
    name[length] = '/';
    memcpy(name + length + 1, s->path, strlen(s->path) + 1);
    error = look(a->e->proc, name, flags, st);
    /* With what stands before it, it can be too long. */
    return error == ENAMETOOLONG ? look_exactly(s, a, st) : error;
}

static int open_with(int dirfd, const char *path, uint64_t flags, uint64_t resolve, int *fd)
{
    struct open_how how = {.flags = flags | O_PATH | O_CLOEXEC, .resolve = resolve};
    long got = -1;

    for (int i = 0; i < TRIES; i++) {
        got = syscall(SYS_openat2, dirfd, path, &how, sizeof how);
        if (got >= 0 || errno != EAGAIN)
            break;
    }
    if (got < 0)
        return errno;
    *fd = (int)got;
    return 0;
}

/* Open what `name` below the supervisor's /proc points to. */
static int open_proc(const struct ask *a, const char *name, int flags, int *fd)
{
    *fd = openat(a->e->proc, name, O_PATH | O_CLOEXEC | flags);
    return *fd >= 0 ? 0 : errno;
}

/* A relative path as one from the thread's own root directory, which links in it may lead to. */
static bool from_root(const char *root, const char *start, const char *path, char *whole, size_t size)
{
    size_t len = strcmp(root, "/") == 0 ? 0 : strlen(root);
    int put;

    if (strncmp(root, start, len) != 0 || start[len] != '/')
        return false;
    put = snprintf(whole, size, "%s/%s", start + len, path);
    return put > 0 && (size_t)put < size;
}

static bool read_link(const struct ask *a, const char *name, char target[PATH_MAX])
{
    ssize_t len = readlinkat(a->e->proc, name, target, PATH_MAX - 1);

    target[len > 0 ? len : 0] = '\0';
    return len > 0;
}

/* With chroot(2): the thread's root and ours differ. */
static int open_rooted(const struct subject *s, const struct ask *a, const char *path, uint64_t flags,
                       int *fd)
{
    char name[PREFIX_MAX], root[PATH_MAX], start[PATH_MAX], whole[PATH_MAX];
    __attribute__((cleanup(fd_close_auto))) int base = -1;
    int error;

    (void)snprintf(name, sizeof name, "%d/root", (int)a->thread);
    error = open_proc(a, name, O_DIRECTORY, &base);
    if (error != 0)
        return error;
    if (path[0] == '/')
        return open_with(base, path, flags, RESOLVE_IN_ROOT, fd);
    if (!read_link(a, name, root))
        return errno;
    (void)print_start(s, a, name, sizeof name);
    if (read_link(a, name, start) && from_root(root, start, path, whole, sizeof whole))
        return open_with(base, whole, flags, RESOLVE_IN_ROOT, fd);
    fd_close(fd_take(&base));
    error = open_proc(a, name, O_DIRECTORY, &base);
    return error != 0 ? error : open_with(base, path, flags, RESOLVE_NO_MAGICLINKS, fd);
}

static int open_path(const struct subject *s, const struct ask *a, const char *path, uint64_t flags, int *fd)
{
    char name[PREFIX_MAX];
    __attribute__((cleanup(fd_close_auto))) int base = -1;
    int error;

    if (a->e->rooted)
        return open_rooted(s, a, path, flags, fd);
    if (path[0] == '/')
        return open_with(AT_FDCWD, path, flags, RESOLVE_NO_MAGICLINKS, fd);
    (void)print_start(s, a, name, sizeof name);
    error = open_proc(a, name, O_DIRECTORY, &base);
    return error != 0 ? error : open_with(base, path, flags, RESOLVE_NO_MAGICLINKS, fd);
}

int subject_open(const struct subject *s, const struct ask *a, int *fd)
{
    char name[PREFIX_MAX];

    if (s->by_fd) {
        (void)print_start(s, a, name, sizeof name);
        return open_proc(a, name, 0, fd);
    }
    return open_path(s, a, s->path, s->follow ? 0 : O_NOFOLLOW, fd);
}

int subject_open_parent(struct subject *s, const struct ask *a, int *fd, const char **last, bool *directory)
{
    size_t len = strlen(s->path);
    char *slash;
    char first;
    int error;

    *directory = false;
    while (len > 0 && s->path[len - 1] == '/') {
        s->path[--len] = '\0';
        *directory = true;
    }
    slash = strrchr(s->path, '/');
    *last = slash ? slash + 1 : s->path;
    if (**last == '\0' || str_eq(*last, ".") || str_eq(*last, ".."))
        return EINVAL;
    if (!slash)
        return open_path(s, a, ".", O_DIRECTORY, fd);
    /* Its text is needed as it was. */
    first = **last;
    s->path[*last - s->path] = '\0';
    error = open_path(s, a, s->path, O_DIRECTORY, fd);
    s->path[*last - s->path] = first;
    return error;
}
