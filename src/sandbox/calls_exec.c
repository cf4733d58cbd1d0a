/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/emulate_inner.h"

#include "base/fs.h"
#include "sandbox/calls_id.h"
#include "sandbox/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/securebits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Set-id bits of scripts mean nothing. */
static bool is_script(const struct subject *s, const struct ask *a)
{
    __attribute__((cleanup(fd_close_auto))) int place = -1;
    __attribute__((cleanup(fd_close_auto))) int fd = -1;
    char name[32], mark[2] = "";

    if (subject_open(s, a, &place) != 0)
        return false;
    (void)snprintf(name, sizeof name, "self/fd/%d", place);
    fd = openat(a->e->proc, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    return fd >= 0 && read(fd, mark, 2) == 2 && mark[0] == '#' && mark[1] == '!';
}

static void take_ids(struct credentials *c, const struct ask *a, const struct subject *s,
                     const struct statx *st)
{
    const struct record *record = records_find(a->e->records, st);

    if (!(st->stx_mode & (S_ISUID | S_ISGID)) || c->no_new_privs || is_script(s, a))
        return;
    if (st->stx_mode & S_ISUID)
        c->euid = record ? record->uid : 0;
    if ((st->stx_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
        c->egid = record ? record->gid : 0;
}

struct answer answer_exec(struct ask *a)
{
    struct credentials c = *ask_credentials(a);
    struct subject subject;
    struct statx st;
    bool good = a->call == CALL_EXECVE ? subject_read(&subject, a, AT_FDCWD, a->arg[0], 0)
                                       : subject_read(&subject, a, (int)a->arg[0], a->arg[1], (int)a->arg[4]);

    /* What cannot be executed changes nothing. */
    if (!good || subject_statx(&subject, a, &st) != 0 || (st.stx_mode & S_IFMT) != S_IFREG ||
        !(st.stx_mode & 0111))
        return answer_continue();
    take_ids(&c, a, &subject, &st);
    c.suid = c.fsuid = c.euid;
    c.sgid = c.fsgid = c.egid;
    c.securebits &= ~(uint32_t)SECBIT_KEEP_CAPS;
    c.permitted = (c.uid == 0 || c.euid == 0) && !(c.securebits & SECBIT_NOROOT);
    c.effective = c.euid == 0 && c.permitted;
    (void)id_take_credentials(a, &c);
    return answer_continue();
}

struct answer answer_root(struct ask *a)
{
    if (!ask_credentials(a)->effective)
        return answer_error(EPERM);
    a->e->rooted = true;
    return answer_continue();
}
