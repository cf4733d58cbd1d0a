/* SPDX-License-Identifier: Apache-2.0 */
#include "base/newfile.h"

#include "base/dir.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SWEEP_SECONDS (24 * 60 * 60)

struct newfile {
    struct sink sink;
    int dir_fd;
    int fd;
    char temp[FS_NEW_NAME]; /* "" once it has gone */
    char *name;
    char *safe_name; /* for messages */
    mode_t mode;
    bool replace;
    bool sync;
};

static struct err *newfile_do_write(struct sink *s, const void *data, size_t len)
{
    struct newfile *n = (struct newfile *)s;
    return fd_write(n->fd, data, len, n->safe_name);
}

/* Give it its name. With `replace` unset, a file that is there stays, and that is success. */
static struct err *place(struct newfile *n)
{
    if (n->replace) {
        if (renameat(n->dir_fd, n->temp, n->dir_fd, n->name) != 0)
            return err_sys("write %s", n->safe_name);
        n->temp[0] = '\0';
        return NULL;
    }
    if (renameat2(n->dir_fd, n->temp, n->dir_fd, n->name, RENAME_NOREPLACE) == 0) {
        n->temp[0] = '\0';
        return NULL;
    }
    /* Not every file system knows the flag; a hard link does the same there. */
    if ((errno == EINVAL || errno == ENOSYS) && linkat(n->dir_fd, n->temp, n->dir_fd, n->name, 0) == 0)
        errno = EEXIST;
    if (errno != EEXIST)
        return err_sys("write %s", n->safe_name);
    unlinkat(n->dir_fd, n->temp, 0);
    n->temp[0] = '\0';
    return NULL;
}

static struct err *newfile_do_commit(struct sink *s)
{
    struct newfile *n = (struct newfile *)s;

    assert(n->fd >= 0);
    if (fchmod(n->fd, n->mode) != 0)
        return err_sys("set the mode of %s", n->safe_name);
    if (n->sync && fsync(n->fd) != 0)
        return err_sys("write %s to disk", n->safe_name);
    /* Network file systems report a full disk only here. */
    if (close(fd_take(&n->fd)) != 0)
        return err_sys("write %s", n->safe_name);
    TRY(place(n));
    /* EINVAL, EBADF: a directory that cannot be synced. */
    if (n->sync && fsync(n->dir_fd) != 0 && errno != EINVAL && errno != EBADF)
        return err_sys("write the directory of %s to disk", n->safe_name);
    return NULL;
}

static void newfile_do_free(struct sink *s)
{
    struct newfile *n = (struct newfile *)s;

    if (n->temp[0])
        unlinkat(n->dir_fd, n->temp, 0);
    fd_close_auto(&n->fd);
    fd_close_auto(&n->dir_fd);
    free(n->name);
    free(n->safe_name);
    free(n);
}

static const struct sink_ops newfile_ops = {
    .write = newfile_do_write,
    .commit = newfile_do_commit,
    .free = newfile_do_free,
};

static struct err *open_parent(int *out, int dirfd, const char *path, const char *slash)
{
    AUTO(mem_free) char *parent = slash ? mem_strndup(path, (size_t)(slash - path) + 1) : mem_strdup(".");
    struct err *e = fs_open(out, dirfd, parent, O_RDONLY | O_DIRECTORY, 0);

    /* A directory that may be written but not listed will do, if only it need not be synced. */
    if (e && err_errno(e) == EACCES) {
        err_free(e);
        return fs_open(out, dirfd, parent, O_PATH | O_DIRECTORY, 0);
    }
    return e;
}

struct err *newfile_open(struct sink **out, int dirfd, const char *name, mode_t mode, bool replace, bool sync)
{
    const char *slash = strrchr(name, '/');
    AUTO(sink_free) struct sink *s = NULL;
    struct newfile *n = mem_zero(1, sizeof *n);

    s = &n->sink;
    s->ops = &newfile_ops;
    n->dir_fd = -1;
    n->fd = -1;
    n->mode = mode;
    n->replace = replace;
    n->sync = sync;
    n->name = mem_strdup(slash ? slash + 1 : name);
    n->safe_name = str_safe(name);
    TRY(open_parent(&n->dir_fd, dirfd, name, slash));
    for (int tries = 0; n->fd < 0; tries++) {
        fs_new_name(n->temp);
        n->fd = openat(n->dir_fd, n->temp, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
        if (n->fd < 0 && ((errno != EEXIST && errno != EINTR) || tries == 16)) {
            n->temp[0] = '\0';
            return err_sys("create %s", n->safe_name);
        }
    }
    *out = TAKE(s);
    return NULL;
}

void newfile_rename(struct sink *s, const char *name)
{
    struct newfile *n = (struct newfile *)s;

    assert(s->ops == &newfile_ops && !strchr(name, '/'));
    free(n->name);
    free(n->safe_name);
    n->name = mem_strdup(name);
    n->safe_name = str_safe(name);
}

int newfile_fd(const struct sink *s)
{
    assert(s->ops == &newfile_ops);
    return ((const struct newfile *)s)->fd;
}

struct err *newfile_write(int dirfd, const char *name, mode_t mode, const void *data, size_t len, bool sync)
{
    AUTO(sink_free) struct sink *s = NULL;

    TRY(newfile_open(&s, dirfd, name, mode, true, sync));
    TRY(sink_write(s, data, len));
    return sink_commit(s);
}

void newfile_sweep(int dirfd)
{
    int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    AUTO(closedir) DIR *dir = dir_take(fd);
    time_t now = time(NULL);
    struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        struct stat st;
        if (!str_starts(entry->d_name, FS_NEW_PREFIX) ||
            fstatat(dirfd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        if (S_ISREG(st.st_mode) && st.st_mtime < now - SWEEP_SECONDS)
            unlinkat(dirfd, entry->d_name, 0);
    }
}
