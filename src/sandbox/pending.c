/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"
#include "sandbox/emulate_inner.h"
#include "sandbox/resolve.h"

#include <fcntl.h>
#include <linux/stat.h>
#include <string.h>
#include <sys/stat.h>

static void drop(struct emulate *e, size_t index)
{
    struct pending *p = &e->pending[index];

    fd_close(p->parent);
    if (p->file >= 0)
        fd_close(p->file);
    e->pending_count--;
    memmove(p, p + 1, (e->pending_count - index) * sizeof *p);
}

void pending_forget(struct emulate *e)
{
    while (e->pending_count > 0)
        drop(e, e->pending_count - 1);
}

struct pending *pending_add(struct emulate *e, int parent_take, const char *last)
{
    struct pending *p;

    if (e->pending_count == PENDING_MAX)
        drop(e, 0);
    p = &e->pending[e->pending_count++];
    *p = (struct pending){.parent = parent_take, .file = -1};
    memcpy(p->last, last, strnlen(last, sizeof p->last - 1));
    return p;
}

/* What two names of one file have in common, whatever number an overlay gives to each. */
static bool is_same_file(const struct statx *a, const struct statx *b)
{
    return a->stx_nlink > 1 && a->stx_nlink == b->stx_nlink && a->stx_mode == b->stx_mode &&
           a->stx_size == b->stx_size && a->stx_ctime.tv_sec == b->stx_ctime.tv_sec &&
           a->stx_ctime.tv_nsec == b->stx_ctime.tv_nsec && a->stx_mtime.tv_sec == b->stx_mtime.tv_sec &&
           a->stx_mtime.tv_nsec == b->stx_mtime.tv_nsec;
}

static void settle(struct emulate *e, const struct pending *p, int fd_take)
{
    struct statx st, file;
    bool known = resolve_statx_fd(fd_take, &st) == 0;

    if (known && p->file < 0 && S_ISSOCK(st.stx_mode)) {
        (void)records_put(e->records, &st, p->uid, p->gid, fd_take, false);
        return;
    }
    if (known && p->file >= 0 && resolve_statx_fd(p->file, &file) == 0 && st.stx_ino != file.stx_ino &&
        is_same_file(&st, &file)) {
        records_alias(e->records, &st, &file, fd_take);
        return;
    }
    fd_close(fd_take);
}

void pending_settle(struct emulate *e)
{
    for (size_t i = 0; i < e->pending_count;) {
        int fd = openat(e->pending[i].parent, e->pending[i].last, O_PATH | O_NOFOLLOW | O_CLOEXEC);

        if (fd < 0) {
            i++;
            continue;
        }
        settle(e, &e->pending[i], fd);
        drop(e, i);
    }
}
