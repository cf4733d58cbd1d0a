/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/tree_frozen.h"

#include "base/fs.h"
#include "base/mem.h"
#include "layers/tree_dir.h"
#include "layers/tree_inner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Others that do the same may close a file again before we are through. */
#define TRIES 1000
#define PROC_PATH 32

static void freeze(struct tree *t, struct node *n)
{
    n->content = (struct content){0};
    if (n->type == NODE_FILE && n->size > 0)
        n->content = (struct content){.kind = CONTENT_DIR, .dir = t, .dir_node = n};
    for (uint32_t i = 0; i < n->child_count; i++)
        freeze(t, n->child[i]);
}

void tree_freeze(struct tree *t, int dirfd)
{
    t->dir = mem_zero(1, sizeof *t->dir);
    t->dir->fd = dirfd;
    t->frozen = true;
    freeze(t, t->root);
}

/* The place of one of our descriptors in /proc stands for the file itself, however that was opened. */
static void proc_path(char path[PROC_PATH], int fd)
{
    snprintf(path, PROC_PATH, "/proc/self/fd/%d", fd);
}

/* Open a name in `fd`, the directory of `n`; or, with no name, what `fd` is, that is `n`. `wanted` is the
 * permission that this takes. -1 and errno. */
static int open_once(int fd, const char *name, int flags, const struct node *n, mode_t wanted)
{
    char path[PROC_PATH];

    proc_path(path, fd);
    int out = openat(fd, name ? name : path, flags);
    if (out >= 0 || errno != EACCES)
        return out;
    if (fchmodat(AT_FDCWD, path, n->mode | wanted, 0) != 0)
        return -1;
    out = openat(fd, name ? name : path, flags);
    int saved = errno;
    if (fchmodat(AT_FDCWD, path, n->mode, 0) != 0) {
        saved = errno;
        if (out >= 0)
            fd_close(out);
        out = -1;
    }
    errno = saved;
    return out;
}

static int open_anyhow(int fd, const char *name, int flags, const struct node *n, mode_t wanted)
{
    int out = -1;

    for (int tries = 0; tries < TRIES; tries++) {
        out = open_once(fd, name, flags | O_CLOEXEC, n, wanted);
        if (out >= 0 || errno != EACCES)
            break;
    }
    return out;
}

/* Down to the node, which is opened as a place only. */
static int open_place(const struct tree *t, const struct node *n)
{
    int flags = O_PATH | O_NOFOLLOW | (n->type == NODE_DIR ? O_DIRECTORY : 0);

    if (!n->parent)
        return openat(t->dir->fd, ".", flags | O_CLOEXEC);
    AUTO(fd_close) int dir = open_place(t, n->parent);
    return dir < 0 ? -1 : open_anyhow(dir, n->name, flags, n->parent, S_IXUSR);
}

struct err *tree_frozen_open(int *out, const struct node *n)
{
    AUTO(fd_close) int place = open_place(n->content.dir, n);
    int fd = -1;
    struct stat st;

    if (place >= 0 && fstat(place, &st) == 0 && S_ISREG(st.st_mode))
        fd = open_anyhow(place, NULL, O_RDONLY | O_NONBLOCK | O_NOCTTY, n, S_IRUSR);
    if (fd < 0) {
        int saved = errno;
        AUTO(mem_free) char *path = node_path(n);
        errno = saved;
        return tree_dir_error("open", path);
    }
    *out = fd;
    return NULL;
}
