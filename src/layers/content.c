/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/content.h"

#include "base/fs.h"
#include "base/mem.h"
#include "base/stop.h"
#include "layers/spool.h"
#include "layers/tree_dir.h"
#include "layers/tree_frozen.h"
#include "layers/tree_inner.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Files of a walk lie in few directories at a time: this one and those above it. */
#define OPEN_MAX_DIRS 8

struct open_dir {
    const struct node *dir; /* NULL: a free place */
    int fd;
    uint64_t used;
};

struct content_reader {
    struct open_dir open[OPEN_MAX_DIRS];
    uint64_t clock;
};

struct content_reader *content_reader_new(void)
{
    return mem_zero(1, sizeof(struct content_reader));
}

static void close_dir(struct open_dir *d)
{
    if (d->dir)
        fd_close(d->fd);
    d->dir = NULL;
}

void content_reader_free(struct content_reader *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < OPEN_MAX_DIRS; i++)
        close_dir(&r->open[i]);
    mem_free(r);
}

/* What is gone, or has become something else, since it was listed. */
static struct err *changed_or(struct err *e, const char *path)
{
    if (e && (err_errno(e) == ENOENT || err_errno(e) == ENOTDIR || err_errno(e) == ELOOP)) {
        err_free(e);
        return tree_dir_changed(path);
    }
    return e;
}

static struct err *open_dir(struct content_reader *r, const struct tree *t, const struct node *dir, int *out)
{
    struct open_dir *oldest = &r->open[0];

    for (size_t i = 0; i < OPEN_MAX_DIRS; i++) {
        struct open_dir *d = &r->open[i];
        if (d->dir == dir) {
            d->used = ++r->clock;
            *out = d->fd;
            return NULL;
        }
        if (!d->dir || (oldest->dir && d->used < oldest->used))
            oldest = d;
    }
    close_dir(oldest);
    AUTO(mem_free) char *path = node_path(dir);
    struct err *e = fs_open_no_links(&oldest->fd, t->dir->fd, *path ? path : ".", O_PATH | O_DIRECTORY, 0);
    TRY(changed_or(e, path));
    oldest->dir = dir;
    oldest->used = ++r->clock;
    *out = oldest->fd;
    return NULL;
}

static struct err *open_file(struct content_reader *r, const struct tree *t, const struct node *file,
                             int *out)
{
    int dir = -1;

    struct err *closed = open_dir(r, t, file->parent, &dir);
    if (closed && t->frozen && (err_errno(closed) == EACCES || err_errno(closed) == ENAMETOOLONG)) {
        err_free(closed);
        return tree_frozen_open(out, file);
    }
    TRY(closed);
    /* One component, and O_NOFOLLOW: it cannot lead elsewhere. */
    *out = openat(dir, file->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (*out >= 0)
        return NULL;
    if (errno == EACCES && t->frozen)
        return tree_frozen_open(out, file);
    struct err *e = err_sys("open");
    AUTO(mem_free) char *path = node_path(file);
    e = changed_or(e, path);
    if (err_kind_of(e) == ERR_CONFLICT)
        return e;
    errno = err_errno(e);
    err_free(e);
    return tree_dir_error("open", path);
}

/* The data ends, or there is none to have: because it is another file now, or for a reason of the system. */
static struct err *read_failed(const struct node *file, int fd, ssize_t got)
{
    AUTO(mem_free) char *path = node_path(file);
    struct err *e = got < 0 ? tree_dir_error("read", path) : tree_dir_changed(path);
    struct err *changed = tree_dir_check_unchanged(file, fd);

    if (!changed)
        return e;
    err_free(e);
    return changed;
}

static struct err *read_file(struct content_reader *r, const struct node *n, uint64_t offset, uint8_t *to,
                             size_t len)
{
    const struct node *file = n->content.dir_node;
    AUTO(fd_close) int fd = -1;

    TRY(open_file(r, n->content.dir, file, &fd));
    while (len > 0) {
        ssize_t got = pread(fd, to, len, (off_t)offset);
        if (got < 0 && errno == EINTR) {
            TRY(stop_check());
            continue;
        }
        if (got <= 0)
            return read_failed(file, fd, got);
        to += got;
        offset += (uint64_t)got;
        len -= (size_t)got;
    }
    /* After the last byte: what was read is what was there when it was listed. */
    return tree_dir_check_unchanged(file, fd);
}

struct err *content_read(struct content_reader *r, const struct node *n, uint64_t offset, uint8_t *to,
                         size_t len)
{
    switch (n->content.kind) {
    case CONTENT_DIR:
        return read_file(r, n, offset, to, len);
    case CONTENT_SPOOL:
        return spool_read(n->content.spool, n->content.offset + offset, to, len);
    case CONTENT_MEM:
        memcpy(to, n->content.mem + offset, len);
        return NULL;
    case CONTENT_NONE:
    case CONTENT_LAYER:
        break;
    }
    AUTO(mem_free) char *path = node_path(n);
    return err_new(ERR_INTERNAL, "open %s: its content is not there", path);
}
