/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/calls_create.h"

#include "base/fs.h"
#include "sandbox/calls_id.h"
#include "sandbox/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEMPORARY (O_TMPFILE & ~O_DIRECTORY)
/* What the supervisor makes itself has exactly the mode that it says. */
#define OUR_UMASK 0

void creation_wipe(struct creation *c)
{
    if (c->parent >= 0)
        fd_close(c->parent);
    c->parent = -1;
}

bool creation_is_plain(const struct ask *a)
{
    const struct credentials *c;

    if (a->e->devices_only)
        return true;
    c = ask_credentials(a);
    return c->fsuid == 0 && c->fsgid == 0 && !records_has_group_directory(a->e->records);
}

int creation_borrow_umask(struct ask *a)
{
    struct credentials c = *ask_credentials(a);
    struct peer peer;
    int error;

    if (!c.umask_known) {
        error = peer_read(&peer, a->e->proc, a->thread);
        if (error != 0)
            return error;
        c.umask_known = true;
        c.umask = peer.umask;
        /* Where it cannot be kept, it is asked for again. */
        (void)id_take_credentials(a, &c);
    }
    (void)umask(c.umask);
    return 0;
}

struct answer answer_umask(struct ask *a)
{
    struct credentials c = *ask_credentials(a);

    if (c.umask_known) {
        c.umask = (uint32_t)a->arg[0] & 0777;
        (void)id_take_credentials(a, &c);
    }
    return answer_continue();
}

void creation_return_umask(void)
{
    (void)umask(OUR_UMASK);
}

/* Whose a file in this directory will be. */
static int choose_owner(struct creation *c, const struct ask *a, int directory)
{
    const struct credentials *who = ask_credentials(a);
    const struct record *record;
    struct statx st;
    int error = resolve_statx_fd(directory, &st);

    if (error != 0)
        return error;
    record = records_find(a->e->records, &st);
    c->uid = who->fsuid;
    c->gid = who->fsgid;
    if (st.stx_mode & S_ISGID)
        c->gid = record ? record->gid : 0;
    return 0;
}

int creation_find(struct creation *c, const struct ask *a, int fd, uint64_t path)
{
    if (!subject_read(&c->subject, a, fd, path, AT_SYMLINK_NOFOLLOW))
        return EINVAL;
    return creation_find_parent(c, a);
}

int creation_find_parent(struct creation *c, const struct ask *a)
{
    int error = subject_open_parent(&c->subject, a, &c->parent, &c->last, &c->slash);

    return error != 0 ? error : choose_owner(c, a, c->parent);
}

static struct answer record_fd(const struct creation *c, const struct ask *a, int fd_take)
{
    struct statx st;

    if (fd_take < 0)
        return answer_error(errno);
    if (resolve_statx_fd(fd_take, &st) != 0) {
        fd_close(fd_take);
        return answer_error(EIO);
    }
    (void)records_put(a->e->records, &st, c->uid, c->gid, fd_take, false);
    return answer_value(0);
}

struct answer creation_record(const struct creation *c, const struct ask *a)
{
    return record_fd(c, a, openat(c->parent, c->last, O_PATH | O_NOFOLLOW | O_CLOEXEC));
}

/* How a file is opened, from any of the four calls. */
struct opening {
    int fd;
    uint64_t path, flags, resolve;
    mode_t mode;
};

static bool read_opening(struct opening *o, const struct ask *a)
{
    const uint64_t *arg = a->arg;
    struct open_how how = {0};

    switch ((int)a->call) {
    case CALL_CREAT:
        *o = (struct opening){AT_FDCWD, arg[0], O_CREAT | O_WRONLY | O_TRUNC, 0, (mode_t)arg[1]};
        return true;
    case CALL_OPEN:
        *o = (struct opening){AT_FDCWD, arg[0], (uint32_t)arg[1], 0, (mode_t)arg[2]};
        return true;
    case CALL_OPENAT:
        *o = (struct opening){(int)arg[0], arg[1], (uint32_t)arg[2], 0, (mode_t)arg[3]};
        return true;
    default:
        if (arg[3] < sizeof how || memory_read(a->thread, arg[2], &how, sizeof how) != 0)
            return false;
        *o = (struct opening){(int)arg[0], arg[1], how.flags, how.resolve, (mode_t)how.mode};
        return true;
    }
}

/* Give the process the descriptor of its new file. */
static struct answer hand_over(const struct creation *c, const struct ask *a, int file, uint64_t flags)
{
    char name[32];
    struct answer answer;
    int error;

    (void)snprintf(name, sizeof name, "self/fd/%d", file);
    answer = record_fd(c, a, openat(a->e->proc, name, O_PATH | O_CLOEXEC));
    if (answer.error != 0)
        return answer;
    error = ask_send_fd(a, file, (flags & O_CLOEXEC) != 0);
    return error != 0 ? answer_error(error) : (struct answer){.kind = ANSWER_SENT};
}

static struct answer open_temporary(struct creation *c, struct ask *a, const struct opening *o)
{
    __attribute__((cleanup(fd_close_auto))) int directory = -1;
    __attribute__((cleanup(fd_close_auto))) int file = -1;

    if (!subject_read(&c->subject, a, o->fd, o->path, 0) || subject_open(&c->subject, a, &directory) != 0 ||
        choose_owner(c, a, directory) != 0 || (c->uid == 0 && c->gid == 0) || !ask_is_valid(a) ||
        creation_borrow_umask(a) != 0)
        return answer_continue();
    file = openat(directory, ".", (int)o->flags | O_CLOEXEC, o->mode & 07777);
    creation_return_umask();
    return file >= 0 ? hand_over(c, a, file, o->flags) : answer_continue();
}

/* Where the name is a link to a file that is not there yet, that file is made. */
static bool follow_dangling(struct creation *c, const struct ask *a, const struct opening *o)
{
    char target[PATH_MAX];
    struct statx st;
    ssize_t len;

    if (o->flags & (O_EXCL | O_NOFOLLOW) || statx(c->parent, c->last, 0, STATX_TYPE, &st) == 0 ||
        errno != ENOENT)
        return false;
    len = readlinkat(c->parent, c->last, target, sizeof target - 1);
    if (len <= 0 || memchr(target, '/', (size_t)len))
        return false;
    target[len] = '\0';
    memcpy(c->subject.path, target, (size_t)len + 1);
    c->last = c->subject.path;
    return choose_owner(c, a, c->parent) == 0;
}

static struct answer open_new(struct creation *c, struct ask *a, const struct opening *o)
{
    __attribute__((cleanup(fd_close_auto))) int file = -1;
    int flags = (int)(o->flags & ~(uint64_t)O_TRUNC) | O_EXCL | O_CLOEXEC | O_NOCTTY;

    if (creation_find(c, a, o->fd, o->path) != 0 || c->slash || (c->uid == 0 && c->gid == 0) ||
        !ask_is_valid(a) || creation_borrow_umask(a) != 0)
        return answer_continue();
    file = openat(c->parent, c->last, flags, o->mode & 07777);
    if (file < 0 && errno == EEXIST && follow_dangling(c, a, o))
        file = openat(c->parent, c->last, flags, o->mode & 07777);
    creation_return_umask();
    /* It is there already, or cannot be made: the kernel opens it, or says why not. */
    return file >= 0 ? hand_over(c, a, file, o->flags) : answer_continue();
}

static void copy_up_opened(const struct opening *o, const struct ask *a)
{
    bool writes = (o->flags & O_ACCMODE) != O_RDONLY || (o->flags & O_TRUNC);
    bool new = (o->flags & TEMPORARY) || ((o->flags & O_CREAT) && (o->flags & O_EXCL));
    struct subject file;

    if (writes &&
        !new &&subject_read(&file, a, o->fd, o->path, o->flags & O_NOFOLLOW ? AT_SYMLINK_NOFOLLOW : 0))
        copy_up(&file, a);
}

static struct answer answer_open(struct ask *a)
{
    AUTO_VALUE(creation_wipe) struct creation c = {.parent = -1};
    struct opening o;

    if (!read_opening(&o, a) || (o.flags & O_PATH))
        return answer_continue();
    if (a->e->linked)
        copy_up_opened(&o, a);
    /* Restrictions on the way there are the kernel's, and its file is root's then. */
    if (o.resolve != 0 || creation_is_plain(a))
        return answer_continue();
    if (o.flags & TEMPORARY)
        return open_temporary(&c, a, &o);
    return o.flags & O_CREAT ? open_new(&c, a, &o) : answer_continue();
}

static struct answer make_directory(struct ask *a)
{
    AUTO_VALUE(creation_wipe) struct creation c = {.parent = -1};
    bool at = a->call == CALL_MKDIRAT;
    int result, error;

    if (creation_find(&c, a, at ? (int)a->arg[0] : AT_FDCWD, a->arg[at ? 1 : 0]) != 0 ||
        (c.uid == 0 && c.gid == 0) || !ask_is_valid(a) || creation_borrow_umask(a) != 0)
        return answer_continue();
    result = mkdirat(c.parent, c.last, (mode_t)a->arg[at ? 2 : 1] & 07777);
    error = errno;
    creation_return_umask();
    return result == 0 ? creation_record(&c, a) : answer_error(error);
}

static struct answer make_link(struct ask *a)
{
    AUTO_VALUE(creation_wipe) struct creation c = {.parent = -1};
    char target[PATH_MAX];
    bool at = a->call == CALL_SYMLINKAT;

    if (memory_read_path(a->thread, a->arg[0], target) != 0 || target[0] == '\0' ||
        creation_find(&c, a, at ? (int)a->arg[1] : AT_FDCWD, a->arg[at ? 2 : 1]) != 0 || c.slash ||
        (c.uid == 0 && c.gid == 0) || !ask_is_valid(a))
        return answer_continue();
    return symlinkat(target, c.parent, c.last) == 0 ? creation_record(&c, a) : answer_error(errno);
}

struct answer answer_create(struct ask *a)
{
    if (creation_is_plain(a) && !a->e->linked)
        return answer_continue();
    if (a->call >= CALL_OPEN && a->call <= CALL_CREAT)
        return answer_open(a);
    if (creation_is_plain(a))
        return answer_continue();
    if (a->call == CALL_MKDIR || a->call == CALL_MKDIRAT)
        return make_directory(a);
    return make_link(a);
}
