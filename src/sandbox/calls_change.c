/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/calls_create.h"

#include "base/fs.h"
#include "sandbox/resolve.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Nothing of a file changes by being given its own mode, or the owner of a link to nobody. */
static int touch_up(const struct ask *a, int fd, const struct statx *st)
{
    char name[32];

    if (S_ISLNK(st->stx_mode))
        return fchownat(fd, "", (uid_t)-1, (gid_t)-1, AT_EMPTY_PATH);
    (void)snprintf(name, sizeof name, "self/fd/%d", fd);
    return fchmodat(a->e->proc, name, st->stx_mode & 07777U, 0);
}

void copy_up(const struct subject *s, const struct ask *a)
{
    AUTO(fd_close) int fd = -1;
    const struct record *record;
    struct record was, *now;
    struct statx st;

    if (!a->e->linked || subject_statx(s, a, &st) != 0)
        return;
    record = records_find(a->e->records, &st);
    if (!record || !record->linked || subject_open(s, a, &fd) != 0 || resolve_statx_fd(fd, &st) != 0)
        return;
    record = records_find(a->e->records, &st);
    if (!record || !record->linked || !ask_is_valid(a))
        return;
    was = *record;
    /* With an index of inodes it keeps its number. */
    if (touch_up(a, fd, &st) != 0 || resolve_statx_fd(fd, &st) != 0 || st.stx_ino == was.inode)
        return;
    now = records_put(a->e->records, &st, was.uid, was.gid, fd_take(&fd), false);
    now->type = was.type;
    now->major = was.major;
    now->minor = was.minor;
}

static void copy_up_path(const struct ask *a, int fd, uint64_t path, int flags)
{
    struct subject file;

    if (subject_read(&file, a, fd, path, flags & (AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)))
        copy_up(&file, a);
}

static void copy_up_fd(const struct ask *a, int fd)
{
    struct subject file;

    subject_of_fd(&file, fd);
    copy_up(&file, a);
}

struct answer answer_change(struct ask *a)
{
    const uint64_t *arg = a->arg;
    /* Of some calls that set times. */
    int no_path = arg[1] == 0 ? AT_EMPTY_PATH : 0;

    switch ((int)a->call) {
    case CALL_CHANGE:
    case CALL_CHANGE_LINK:
        copy_up_path(a, AT_FDCWD, arg[0], a->call == CALL_CHANGE ? 0 : AT_SYMLINK_NOFOLLOW);
        break;
    case CALL_CHANGE_FD:
        copy_up_fd(a, (int)arg[0]);
        break;
    case CALL_CHANGE_AT:
        copy_up_path(a, (int)arg[0], arg[1], no_path);
        break;
    case CALL_CHANGE_AT_FLAGS:
    case CALL_CHANGE_AT_LAST:
        copy_up_path(a, (int)arg[0], arg[1], (int)arg[a->call == CALL_CHANGE_AT_FLAGS ? 2 : 3] | no_path);
        break;
    default:
        copy_up_path(a, (int)arg[0], arg[1], AT_SYMLINK_NOFOLLOW);
        if (a->call == CALL_RENAMEAT2 && (arg[4] & RENAME_EXCHANGE))
            copy_up_path(a, (int)arg[2], arg[3], AT_SYMLINK_NOFOLLOW);
    }
    return answer_continue();
}
