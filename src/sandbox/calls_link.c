/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/calls_create.h"

#include "base/fs.h"
#include "sandbox/resolve.h"

#include <fcntl.h>
#include <linux/stat.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static bool read_file(struct subject *file, const struct ask *a)
{
    int flags;

    if (a->call == CALL_LINK)
        return subject_read(file, a, AT_FDCWD, a->arg[0], AT_SYMLINK_NOFOLLOW);
    flags = (int)a->arg[4];
    if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
        return false;
    return subject_read(file, a, (int)a->arg[0], a->arg[1],
                        (flags & AT_SYMLINK_FOLLOW ? 0 : AT_SYMLINK_NOFOLLOW) | (flags & AT_EMPTY_PATH));
}

/* A file that an overlay copied up may have another number by its new name. It must be known before the
 * process goes on, which may give that name away again without a question. */
static struct answer link_here(struct ask *a, const struct creation *c, int fd)
{
    AUTO(fd_close) int made = -1;
    struct statx st, file;
    char name[32];

    (void)snprintf(name, sizeof name, "self/fd/%d", fd);
    /* If it cannot be, the kernel says why. */
    if (!ask_is_valid(a) || linkat(a->e->proc, name, c->parent, c->last, AT_SYMLINK_FOLLOW) != 0)
        return answer_continue();
    made = openat(c->parent, c->last, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (made >= 0 && resolve_statx_fd(made, &st) == 0 && resolve_statx_fd(fd, &file) == 0 &&
        st.stx_ino != file.stx_ino && st.stx_nlink == file.stx_nlink)
        records_alias(a->e->records, &st, &file, fd_take(&made));
    return answer_value(0);
}

struct answer answer_link(struct ask *a)
{
    AUTO_VALUE(creation_wipe) struct creation c = {.parent = -1};
    AUTO(fd_close) int fd = -1;
    int directory = a->call == CALL_LINK ? AT_FDCWD : (int)a->arg[2];
    struct subject file;
    struct statx st;

    if (!read_file(&file, a))
        return answer_continue();
    copy_up(&file, a);
    if (subject_open(&file, a, &fd) != 0 || resolve_statx_fd(fd, &st) != 0 || S_ISDIR(st.stx_mode))
        return answer_continue();
    if (creation_find(&c, a, directory, a->arg[a->call == CALL_LINK ? 1 : 3]) != 0 || c.slash ||
        faccessat(c.parent, c.last, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return answer_continue();
    if (!a->e->devices_only)
        return link_here(a, &c, fd);
    /* Who may do it, the kernel knows. */
    pending_add(a->e, fd_take(&c.parent), c.last)->file = fd_take(&fd);
    return answer_continue();
}
