/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"

#include "base/codec.h"
#include "base/mem.h"
#include "base/stop.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* openat2 says EAGAIN when a rename elsewhere made it unsure; it is then worth asking again, but not for
 * ever. */
#define OPENAT2_TRIES 256

void fd_close(int fd)
{
    int saved = errno;
    close(fd);
    errno = saved;
}

int fd_take(int *fd)
{
    int taken = *fd;
    *fd = -1;
    return taken;
}

struct err *fd_write(int fd, const void *data, size_t len, const char *what)
{
    const char *at = data;

    while (len > 0) {
        ssize_t wrote = write(fd, at, len);
        if (wrote < 0 && errno == EINTR) {
            TRY(stop_check());
        } else if (wrote < 0) {
            return err_sys("write %s", what);
        } else {
            at += wrote;
            len -= (size_t)wrote;
        }
    }
    return NULL;
}

static struct err *path_error(const char *doing, const char *path)
{
    int saved = errno;
    AUTO(mem_free) char *safe = str_safe(path);
    errno = saved;
    return err_sys("%s %s", doing, safe);
}

static struct err *open_resolved(int *out, int dirfd, const char *path, int flags, mode_t mode,
                                 uint64_t resolve)
{
    bool creates = (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
    struct open_how how = {
        .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
        .mode = creates ? mode : 0,
        .resolve = resolve,
    };
    struct err *e;

    for (int tries = 0; tries < OPENAT2_TRIES; tries++) {
        long fd = syscall(SYS_openat2, dirfd, path, &how, sizeof how);
        if (fd >= 0) {
            *out = (int)fd;
            return NULL;
        }
        if (errno == EINTR)
            TRY(stop_check());
        else if (errno != EAGAIN)
            break;
    }
    e = path_error("open", path);
    if (e && err_errno(e) == EXDEV)
        return err_hint(e, "the path leads out of the directory that it has to stay in");
    if (err_errno(e) == ELOOP && (resolve & RESOLVE_NO_SYMLINKS))
        return err_hint(e, "no part of this path may be a symbolic link");
    if (err_errno(e) == ENOSYS)
        return err_hint(e, "lade needs the system call openat2 (Linux 5.6 or later)");
    return e;
}

struct err *fs_open_beneath(int *out, int dirfd, const char *path, int flags, mode_t mode)
{
    return open_resolved(out, dirfd, path, flags, mode, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
}

struct err *fs_open_no_links(int *out, int dirfd, const char *path, int flags, mode_t mode)
{
    return open_resolved(out, dirfd, path, flags, mode,
                         RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS);
}

struct err *fs_open_in_root(int *out, int dirfd, const char *path, int flags, mode_t mode)
{
    return open_resolved(out, dirfd, path, flags, mode, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

struct err *fs_open(int *out, int dirfd, const char *path, int flags, mode_t mode)
{
    for (;;) {
        int fd = openat(dirfd, path, flags | O_CLOEXEC, mode);
        if (fd >= 0) {
            *out = fd;
            return NULL;
        }
        if (errno != EINTR)
            return path_error("open", path);
        TRY(stop_check());
    }
}

static bool is_directory(int dirfd, const char *path)
{
    int saved = errno;
    struct stat st;
    bool yes = fstatat(dirfd, path, &st, 0) == 0 && S_ISDIR(st.st_mode);
    errno = saved;
    return yes;
}

struct err *fs_mkdir_all(int dirfd, const char *path)
{
    AUTO(mem_free) char *part = mem_strdup(path);
    size_t len = strlen(path);

    if (is_directory(dirfd, path))
        return NULL;
    for (size_t i = 1; i <= len; i++) {
        bool at_end = path[i] == '/' || path[i] == '\0';
        if (!at_end || path[i - 1] == '/')
            continue;
        part[i] = '\0';
        if (mkdirat(dirfd, part, 0700) != 0 && !is_directory(dirfd, part)) {
            /* "File exists" would not say what is wrong with it. */
            if (errno == EEXIST)
                errno = ENOTDIR;
            return path_error("create directory", part);
        }
        part[i] = path[i];
    }
    if (is_directory(dirfd, path))
        return NULL;
    errno = ENOENT;
    return path_error("create directory", path);
}

struct err *fs_mkdir_open(int *out, int dirfd, const char *path)
{
    TRY(fs_mkdir_all(dirfd, path));
    return fs_open(out, dirfd, path, O_RDONLY | O_DIRECTORY, 0);
}

static struct err *read_to_end(struct buf *out, int fd, const char *path)
{
    char piece[32 * 1024];

    for (;;) {
        ssize_t got = read(fd, piece, sizeof piece);
        if (got == 0)
            return NULL;
        if (got < 0 && errno != EINTR)
            return path_error("read", path);
        TRY(stop_check());
        if (got < 0)
            continue;
        buf_add(out, piece, (size_t)got);
        if (out->full) {
            AUTO(mem_free) char *safe = str_safe(path);
            return buf_check(out, safe);
        }
    }
}

/* Reads what was opened, if it was; `e_take` is the opening's error. */
static struct err *read_opened(struct buf *out, int fd, const char *path, struct err *e_take, bool *found)
{
    struct err *e = e_take;
    struct stat st;

    if (e && found && err_kind_of(e) == ERR_NOT_FOUND) {
        err_free(e);
        *found = false;
        return NULL;
    }
    if (e)
        return err_errno(e) == ENXIO ? err_as(e, ERR_INPUT) : e; /* ENXIO: a socket */
    if (fstat(fd, &st) != 0)
        return path_error("read", path);
    if (!S_ISREG(st.st_mode)) {
        AUTO(mem_free) char *safe = str_safe(path);
        return err_new(ERR_INPUT, "read %s: it is %s, not a regular file", safe,
                       S_ISDIR(st.st_mode) ? "a directory" : "a pipe or a device");
    }
    TRY(read_to_end(out, fd, path));
    if (found)
        *found = true;
    return NULL;
}

struct err *fs_read_file(struct buf *out, int dirfd, const char *path, bool *found)
{
    AUTO(fd_close) int fd = -1;
    struct err *e = fs_open(&fd, dirfd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    return read_opened(out, fd, path, e, found);
}

struct err *fs_read_file_beneath(struct buf *out, int dirfd, const char *path, bool *found)
{
    AUTO(fd_close) int fd = -1;
    struct err *e = fs_open_beneath(&fd, dirfd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    if (e && err_errno(e) == EXDEV) {
        AUTO(mem_free) char *safe = str_safe(path);
        err_free(e);
        e = err_new(ERR_INPUT, "%s is a link that leads out of its directory", safe);
    }
    return read_opened(out, fd, path, e, found);
}

void fs_new_name(char name[FS_NEW_NAME])
{
    uint8_t bytes[8];

    /* So few bytes are never interrupted; it waits only at the very start of a machine. */
    while (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        continue;
    memcpy(name, FS_NEW_PREFIX, strlen(FS_NEW_PREFIX));
    codec_hex(bytes, sizeof bytes, name + strlen(FS_NEW_PREFIX));
}

struct err *fs_temp(int *out, int dirfd)
{
    int fd = openat(dirfd, ".", O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600);

    /* Not every file system can: overlay, NFS, FUSE. */
    for (int tries = 0; fd < 0 && tries < 16; tries++) {
        char name[FS_NEW_NAME];
        fs_new_name(name);
        fd = openat(dirfd, name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
        if (fd >= 0)
            unlinkat(dirfd, name, 0);
        else if (errno != EEXIST && errno != EINTR)
            break;
    }
    if (fd < 0)
        return err_sys("create a temporary file");
    *out = fd;
    return NULL;
}

struct err *fs_lock(int fd, bool exclusive, bool wait, bool *got)
{
    int how = (exclusive ? LOCK_EX : LOCK_SH) | (wait ? 0 : LOCK_NB);

    while (flock(fd, how) != 0) {
        if (errno == EWOULDBLOCK && got && !wait) {
            *got = false;
            return NULL;
        }
        if (errno != EINTR)
            return err_sys("lock");
        TRY(stop_check());
    }
    if (got)
        *got = true;
    return NULL;
}

char *path_join(const char *a, const char *b)
{
    size_t len = strlen(a);

    if (b[0] == '/' || len == 0)
        return mem_strdup(b);
    if (b[0] == '\0')
        return mem_strdup(a);
    return mem_printf("%s%s%s", a, a[len - 1] == '/' ? "" : "/", b);
}

char *path_clean(const char *path)
{
    bool rooted = path[0] == '/';
    char *clean = mem_alloc(strlen(path) + 2);
    size_t len = 0;   /* of `clean` */
    size_t floor = 0; /* what ".." may not take away: the root, or leading ".." */

    if (rooted)
        clean[len++] = '/';
    floor = len;
    for (const char *at = path; *at;) {
        size_t part = strcspn(at, "/");
        bool up = part == 2 && at[0] == '.' && at[1] == '.';
        if (part == 0 || (part == 1 && at[0] == '.')) {
            /* nothing */
        } else if (up && len > floor) {
            do
                len--;
            while (len > floor && clean[len] != '/');
        } else if (!up || !rooted) {
            if (len > (rooted ? 1u : 0u))
                clean[len++] = '/';
            memcpy(clean + len, at, part);
            len += part;
            if (up)
                floor = len;
        }
        at += part;
        at += *at == '/';
    }
    if (len == 0)
        clean[len++] = '.';
    clean[len] = '\0';
    return clean;
}
