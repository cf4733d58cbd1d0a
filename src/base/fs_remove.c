/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"

#include "base/dir.h"
#include "base/mem.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* One descriptor is open for each level. What is deeper is moved up to the top, so that a tree of any depth
 * can go. */
#define DEPTH_MAX 64
/* Somebody may still be writing into a directory that is being removed. */
#define ROUNDS_MAX 100

struct removal {
    int top_fd;
    unsigned moved; /* gives names to what was moved up */
};

static struct err *remove_error(const char *name)
{
    int saved = errno;
    AUTO(mem_free) char *safe = str_safe(name);
    errno = saved;
    return err_sys("remove %s", safe);
}

/* Open a directory for emptying it, whatever its mode. -1 and ENOTDIR when it is something else. */
static int open_directory(int parent, const char *name)
{
    int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    struct stat st;
    int fd = openat(parent, name, flags);

    if (fd < 0 && errno == EACCES && fchmodat(parent, name, 0700, AT_SYMLINK_NOFOLLOW) == 0)
        fd = openat(parent, name, flags);
    if (fd < 0) {
        if (errno == ELOOP)
            errno = ENOTDIR;
        return -1;
    }
    /* When this fails, so will the removal, and that one tells. */
    if (fstat(fd, &st) == 0 && (st.st_mode & 0700) != 0700)
        (void)fchmod(fd, 0700);
    return fd;
}

static struct err *move_up(struct removal *r, int parent, const char *name)
{
    char place[32];

    do {
        snprintf(place, sizeof place, ".deep-%u", r->moved++);
        if (renameat(parent, name, r->top_fd, place) == 0)
            return NULL;
    } while (errno == EEXIST || errno == ENOTEMPTY || errno == ENOTDIR);
    return errno == ENOENT ? NULL : remove_error(name);
}

static struct err *remove_entry(struct removal *r, int parent, const char *name, unsigned depth);

/* One pass over a directory; *left is how many entries it found. */
static struct err *empty_once(struct removal *r, int fd, unsigned depth, size_t *left)
{
    int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    AUTO(closedir) DIR *dir = dir_take(copy);

    *left = 0;
    if (!dir)
        return err_sys("read a directory that is to be removed");
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(dir);
        if (!entry)
            return errno ? err_sys("read a directory that is to be removed") : NULL;
        if (str_eq(entry->d_name, ".") || str_eq(entry->d_name, ".."))
            continue;
        *left += 1;
        TRY(remove_entry(r, fd, entry->d_name, depth));
    }
}

static struct err *remove_directory(struct removal *r, int parent, const char *name, unsigned depth)
{
    AUTO(fd_close) int fd = open_directory(parent, name);

    if (fd < 0)
        return errno == ENOENT ? NULL : remove_error(name);
    if (depth == 0)
        r->top_fd = fd;
    else if (depth >= DEPTH_MAX)
        return move_up(r, parent, name);
    for (int rounds = 0; rounds < ROUNDS_MAX; rounds++) {
        size_t left;
        TRY(empty_once(r, fd, depth + 1, &left));
        if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
            return NULL;
        /* The top gets what is moved up, in as many rounds as the tree is deep. */
        if (depth == 0 && left > 0)
            rounds = 0;
        if (errno != ENOTEMPTY && errno != EEXIST)
            break;
    }
    return remove_error(name);
}

static struct err *remove_entry(struct removal *r, int parent, const char *name, unsigned depth)
{
    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
        return NULL;
    /* EPERM is what POSIX has for a directory; but here it is also what a file gives that may not go. */
    if (errno == EISDIR)
        return remove_directory(r, parent, name, depth);
    return remove_error(name);
}

struct err *fs_remove_tree(int dirfd, const char *path)
{
    struct removal r = {.top_fd = -1};
    return remove_entry(&r, dirfd, path, 0);
}
