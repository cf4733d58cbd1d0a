/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/emulate_inner.h"

#include "base/fs.h"
#include "sandbox/memory.h"
#include "sandbox/resolve.h"
#include "sandbox/statbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define KNOWN_FLAGS (AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_SYNC_TYPE)

static bool read_subject(struct subject *s, const struct ask *a)
{
    const uint64_t *arg = a->arg;
    uint64_t flags = 0;

    if (a->call == CALL_FSTAT) {
        subject_of_fd(s, (int)arg[0]);
        return true;
    }
    if (a->call == CALL_STAT || a->call == CALL_LSTAT)
        return subject_read(s, a, AT_FDCWD, arg[0], a->call == CALL_LSTAT ? AT_SYMLINK_NOFOLLOW : 0);
    flags = (uint32_t)arg[a->call == CALL_STATX ? 2 : 3];
    if (flags & ~(uint64_t)KNOWN_FLAGS)
        return false;
    return subject_read(s, a, (int)arg[0], arg[1], (int)flags);
}

static void apply(struct statx *st, const struct record *record)
{
    st->stx_uid = record->uid;
    st->stx_gid = record->gid;
    if (record->type != 0) {
        st->stx_mode = (uint16_t)((st->stx_mode & 07777U) | record->type);
        st->stx_rdev_major = record->major;
        st->stx_rdev_minor = record->minor;
    }
}

static struct answer write_answer(const struct ask *a, const struct statx *st)
{
    unsigned char out[STATBUF_MAX];
    uint64_t to = a->arg[1];
    int error;

    if (a->call == CALL_STATX) {
        error = memory_write(a->thread, a->arg[4], st, sizeof *st);
    } else {
        if (a->call == CALL_FSTATAT)
            to = a->arg[2];
        error = memory_write(a->thread, to, out, statbuf_make(out, a->arch, a->form, st));
    }
    return error != 0 ? answer_error(error) : answer_value(0);
}

struct answer answer_stat(struct ask *a)
{
    __attribute__((cleanup(fd_close_auto))) int fd = -1;
    const struct record *record;
    struct subject subject;
    struct statx st;
    unsigned mask = STATX_BASIC_STATS | STATX_BTIME;

    if (records_count(a->e->records) == 0 || !read_subject(&subject, a) ||
        subject_statx(&subject, a, &st) != 0)
        return answer_continue();
    if (!records_find(a->e->records, &st))
        return answer_continue();
    /* Only now is it worth the time to make sure which file it is. */
    if (!subject.by_fd || a->call == CALL_STATX) {
        if (a->call == CALL_STATX)
            mask |= (unsigned)a->arg[3] & ~STATX__RESERVED;
        if (subject_open(&subject, a, &fd) != 0 || statx(fd, "", AT_EMPTY_PATH, mask, &st) != 0)
            return answer_continue();
    }
    record = records_find(a->e->records, &st);
    if (!record || !ask_is_valid(a))
        return answer_continue();
    apply(&st, record);
    return write_answer(a, &st);
}
