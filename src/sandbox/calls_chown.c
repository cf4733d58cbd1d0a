/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/emulate_inner.h"

#include "base/fs.h"
#include "sandbox/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define UNCHANGED UINT32_MAX

struct change {
    struct subject subject;
    uint32_t uid, gid;
};

static uint32_t id_of(const struct ask *a, uint64_t value)
{
    if (a->form == CALLS_NARROW)
        return (uint16_t)value == UINT16_MAX ? UNCHANGED : (uint16_t)value;
    return (uint32_t)value;
}

static bool read_change(struct change *c, const struct ask *a)
{
    const uint64_t *arg = a->arg;

    if (a->call == CALL_FCHOWNAT) {
        c->uid = id_of(a, arg[2]);
        c->gid = id_of(a, arg[3]);
        if (arg[4] & ~(uint64_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
            return false;
        return subject_read(&c->subject, a, (int)arg[0], arg[1], (int)arg[4]);
    }
    c->uid = id_of(a, arg[1]);
    c->gid = id_of(a, arg[2]);
    if (a->call == CALL_FCHOWN) {
        subject_of_fd(&c->subject, (int)arg[0]);
        return true;
    }
    return subject_read(&c->subject, a, AT_FDCWD, arg[0], a->call == CALL_LCHOWN ? AT_SYMLINK_NOFOLLOW : 0);
}

static bool is_member(const struct credentials *c, uint32_t gid)
{
    if (gid == c->fsgid || gid == c->egid)
        return true;
    for (size_t i = 0; i < c->group_count; i++) {
        if (c->groups[i] == gid)
            return true;
    }
    return false;
}

/* As the kernel: an owner may give a file to a group of theirs, and nothing else. */
static bool is_allowed(const struct change *change, const struct credentials *c, uint32_t uid, uint32_t gid)
{
    if (c->effective)
        return true;
    if (change->uid != UNCHANGED && (c->fsuid != uid || change->uid != uid))
        return false;
    return change->gid == UNCHANGED || (c->fsuid == uid && (change->gid == gid || is_member(c, change->gid)));
}

/* Pipes, terminals and sockets that came from outside are nobody's to give away, and in no layer. */
static bool is_foreign(const struct emulate *e, const struct statx *st)
{
    unsigned type = st->stx_mode & S_IFMT;

    return (type == S_IFIFO || type == S_IFCHR || type == S_IFSOCK) &&
           (st->stx_dev_major != e->root_device_major || st->stx_dev_minor != e->root_device_minor);
}

static struct answer give(struct ask *a, struct change *change, const struct record *before)
{
    struct record was = before ? *before : (struct record){.uid = 0};
    uint32_t uid = change->uid == UNCHANGED ? was.uid : change->uid;
    uint32_t gid = change->gid == UNCHANGED ? was.gid : change->gid;
    __attribute__((cleanup(fd_close_auto))) int fd = -1;
    struct record *now;
    struct statx st;

    if (subject_open(&change->subject, a, &fd) != 0 || resolve_statx_fd(fd, &st) != 0 || !ask_is_valid(a))
        return answer_continue();
    /* Copies the file up, takes its set-id bits and capabilities away, and changes its time. */
    if (fchownat(fd, "", change->uid == UNCHANGED ? UNCHANGED : 0, change->gid == UNCHANGED ? UNCHANGED : 0,
                 AT_EMPTY_PATH) != 0)
        return is_foreign(a->e, &st) ? answer_value(0) : answer_error(errno);
    /* Copied up, a file with several names is another inode. */
    if (resolve_statx_fd(fd, &st) != 0)
        return answer_error(errno);
    now = records_put(a->e->records, &st, uid, gid, fd_take(&fd), false);
    now->type = was.type;
    now->major = was.major;
    now->minor = was.minor;
    return answer_value(0);
}

struct answer answer_chown(struct ask *a)
{
    const struct credentials *c;
    const struct record *record;
    struct change change;
    struct statx st;

    if (!read_change(&change, a) || subject_statx(&change.subject, a, &st) != 0)
        return answer_continue();
    record = records_find(a->e->records, &st);
    c = ask_credentials(a);
    if (!is_allowed(&change, c, record ? record->uid : 0, record ? record->gid : 0))
        return answer_error(EPERM);
    if (!record && (change.uid == 0 || change.uid == UNCHANGED) &&
        (change.gid == 0 || change.gid == UNCHANGED))
        return answer_continue();
    return give(a, &change, record);
}
