/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"
#include "base/mem.h"
#include "base/stop.h"
#include "layers/tree_dir.h"
#include "layers/tree_frozen.h"
#include "layers/tree_inner.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define PIECE (128 * 1024)

/* A file of the directory: exactly the bytes that were there when it was listed, or an error. */
struct file_source {
    struct source source;
    const struct node *node; /* in the tree of the directory */
    uint64_t size;
    int fd;
    uint64_t next;
    uint8_t *piece;
    size_t from, to;
};

static struct err *changed(const struct node *n)
{
    AUTO(mem_free) char *path = node_path(n);
    return tree_dir_changed(path);
}

struct err *tree_dir_check_unchanged(const struct node *n, int fd)
{
    struct stat st;

    if (fstat(fd, &st) != 0) {
        AUTO(mem_free) char *path = node_path(n);
        return tree_dir_error("look at", path);
    }
    bool same = S_ISREG(st.st_mode) && (uint64_t)st.st_size == n->size;
    if (same && !n->content.dir->frozen)
        same = st.st_mtim.tv_sec == n->mtime && (uint32_t)st.st_mtim.tv_nsec == n->mtime_ns &&
               (uint64_t)tree_dir_change_time(&st) == n->content.offset;
    return same ? NULL : changed(n);
}

static struct err *read_more(struct file_source *f)
{
    uint64_t left = f->size - f->next;
    ssize_t got;

    do {
        TRY(stop_check());
        got = pread(f->fd, f->piece, left < PIECE ? (size_t)left : PIECE, (off_t)f->next);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        AUTO(mem_free) char *path = node_path(f->node);
        return tree_dir_error("read", path);
    }
    if (got == 0)
        return changed(f->node);
    f->next += (uint64_t)got;
    f->from = 0;
    f->to = (size_t)got;
    /* Nobody sees the last bytes before it is known that all of them belong together. */
    return f->next == f->size ? tree_dir_check_unchanged(f->node, f->fd) : NULL;
}

static struct err *file_peek(struct source *s, const uint8_t **data, size_t *len)
{
    struct file_source *f = (struct file_source *)s;

    if (!f->piece)
        f->piece = mem_alloc(f->size < PIECE ? (size_t)f->size : PIECE);
    if (f->from == f->to && f->next < f->size)
        TRY(read_more(f));
    *data = f->piece + f->from;
    *len = f->to - f->from;
    return NULL;
}

static void file_advance(struct source *s, size_t len)
{
    struct file_source *f = (struct file_source *)s;

    assert(len <= f->to - f->from);
    f->from += len;
}

static struct err *file_reopen(struct source *s, uint64_t offset)
{
    struct file_source *f = (struct file_source *)s;

    assert(offset <= f->size);
    f->next = offset;
    f->from = f->to = 0;
    return NULL;
}

static void file_free(struct source *s)
{
    struct file_source *f = (struct file_source *)s;

    fd_close(f->fd);
    mem_free(f->piece);
    mem_free(f);
}

static const struct source_ops file_ops = {
    .peek = file_peek,
    .advance = file_advance,
    .reopen = file_reopen,
    .free = file_free,
};

struct err *tree_dir_open_file(const struct node *n, struct source **out)
{
    const struct node *there = n->content.dir_node;
    AUTO(mem_free) char *path = node_path(there);
    AUTO(fd_close) int fd = -1;

    struct err *e = fs_open_no_links(&fd, n->content.dir->dir->fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    if (e && (err_errno(e) == ENOENT || err_errno(e) == ENOTDIR || err_errno(e) == ELOOP)) {
        err_free(e);
        return tree_dir_changed(path);
    }
    if (e && n->content.dir->frozen && (err_errno(e) == EACCES || err_errno(e) == ENAMETOOLONG)) {
        err_free(e);
        e = tree_frozen_open(&fd, there);
    }
    TRY(e);
    TRY(tree_dir_check_unchanged(there, fd));
    struct file_source *f = mem_zero(1, sizeof *f);
    f->source.ops = &file_ops;
    f->node = there;
    f->size = there->size;
    f->fd = fd_take(&fd);
    *out = &f->source;
    return NULL;
}
