/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/emulate_inner.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP 1UL
#endif

/* The share of questions that come from threads which take turns, of TURNS_ALL; a mean over about
 * TURNS_MEMORY questions. Between the bounds nothing changes. */
#define TURNS_ALL (1 << 20)
#define TURNS_MANY (TURNS_ALL / 12)
#define TURNS_FEW (TURNS_ALL / 24)
#define TURNS_MEMORY 64

typedef struct answer (*answer_function)(struct ask *a);

static const answer_function answers[CALL_COUNT] = {
    [CALL_CHOWN] = answer_chown,
    [CALL_LCHOWN] = answer_chown,
    [CALL_FCHOWN] = answer_chown,
    [CALL_FCHOWNAT] = answer_chown,
    [CALL_STAT] = answer_stat,
    [CALL_LSTAT] = answer_stat,
    [CALL_FSTAT] = answer_stat,
    [CALL_FSTATAT] = answer_stat,
    [CALL_STATX] = answer_stat,
    [CALL_SETUID] = answer_set_id,
    [CALL_SETGID] = answer_set_id,
    [CALL_SETREUID] = answer_set_id,
    [CALL_SETREGID] = answer_set_id,
    [CALL_SETRESUID] = answer_set_id,
    [CALL_SETRESGID] = answer_set_id,
    [CALL_SETFSUID] = answer_set_id,
    [CALL_SETFSGID] = answer_set_id,
    [CALL_SETGROUPS] = answer_groups,
    [CALL_GETUID] = answer_get_id,
    [CALL_GETEUID] = answer_get_id,
    [CALL_GETGID] = answer_get_id,
    [CALL_GETEGID] = answer_get_id,
    [CALL_GETRESUID] = answer_get_id,
    [CALL_GETRESGID] = answer_get_id,
    [CALL_GETGROUPS] = answer_groups,
    [CALL_CAPGET] = answer_privilege,
    [CALL_CAPSET] = answer_privilege,
    [CALL_PRCTL] = answer_privilege,
    [CALL_SETRLIMIT] = answer_limit,
    [CALL_GETRLIMIT] = answer_limit,
    [CALL_PRLIMIT] = answer_limit,
    [CALL_OPEN] = answer_create,
    [CALL_OPENAT] = answer_create,
    [CALL_OPENAT2] = answer_create,
    [CALL_CREAT] = answer_create,
    [CALL_MKDIR] = answer_create,
    [CALL_MKDIRAT] = answer_create,
    [CALL_SYMLINK] = answer_create,
    [CALL_SYMLINKAT] = answer_create,
    [CALL_MKNOD] = answer_device,
    [CALL_MKNODAT] = answer_device,
    [CALL_BIND] = answer_bind,
    [CALL_SOCKETCALL] = answer_socketcall,
    [CALL_LINK] = answer_link,
    [CALL_LINKAT] = answer_link,
    [CALL_EXECVE] = answer_exec,
    [CALL_EXECVEAT] = answer_exec,
    [CALL_CHROOT] = answer_root,
    [CALL_UMASK] = answer_umask,
    [CALL_CHANGE] = answer_change,
    [CALL_CHANGE_LINK] = answer_change,
    [CALL_CHANGE_FD] = answer_change,
    [CALL_CHANGE_AT] = answer_change,
    [CALL_CHANGE_AT_FLAGS] = answer_change,
    [CALL_CHANGE_AT_LAST] = answer_change,
    [CALL_RENAMEAT] = answer_change,
    [CALL_RENAMEAT2] = answer_change,
};

bool ask_is_valid(const struct ask *a)
{
    return ioctl(a->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &a->id) == 0;
}

const struct credentials *ask_credentials(const struct ask *a)
{
    return tokens_get(a->e->tokens, token_read(a->thread));
}

static int send_answer(int listener, uint64_t id, struct answer answer)
{
    struct seccomp_notif_resp response = {.id = id};

    if (answer.kind == ANSWER_CONTINUE)
        response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    else if (answer.error != 0)
        response.error = -answer.error;
    else
        response.val = answer.value;
    return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response) == 0 ? 0 : errno;
}

int ask_send_fd(const struct ask *a, int fd, bool close_on_exec)
{
    struct seccomp_notif_addfd add = {.id = a->id,
                                      .flags = SECCOMP_ADDFD_FLAG_SEND,
                                      .srcfd = (uint32_t)fd,
                                      .newfd_flags = close_on_exec ? 02000000U : 0};
    int number = ioctl(a->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add);

    if (number >= 0)
        return 0;
    if (errno != EINVAL)
        return errno;
    /* Before Linux 5.14 in two steps: a signal between them leaves the thread with one descriptor too many.
     */
    add.flags = 0;
    number = ioctl(a->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add);
    if (number < 0)
        return errno;
    return send_answer(a->listener, a->id, answer_value(number));
}

/* Has this thread come back after others have asked? */
static bool takes_turns(struct emulate *e, pid_t thread)
{
    bool returns = false;

    if (thread == e->asked[e->asked_last])
        return false;
    for (size_t i = 0; i < ASKED_MAX; i++)
        returns = returns || e->asked[i] == thread;
    e->asked_last = (e->asked_last + 1) % ASKED_MAX;
    e->asked[e->asked_last] = thread;
    return returns;
}

/*
 * A hint to the scheduler, since Linux 6.6: wake us, and then the one whom we answered, on the processor of
 * the waker. Where one program works, its questions and our answers take turns, and waking another, idle
 * processor for each costs three times as much. Where several work at the same time their questions meet, and
 * then it would put two of them on one processor and leave another idle until the scheduler notices, which
 * takes milliseconds. Of what a serial build asks 1 % comes from a thread that takes turns with others, of
 * what make -j2 asks 25 %.
 */
static void choose_wakeups(struct emulate *e, int listener, pid_t thread)
{
    bool here;

    e->turns += ((takes_turns(e, thread) ? TURNS_ALL : 0) - e->turns) / TURNS_MEMORY;
    here = e->turns < (e->wakes_here ? TURNS_MANY : TURNS_FEW);
    if (here == e->wakes_here)
        return;
    e->wakes_here = here;
    (void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, here ? SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP : 0UL);
}

static struct answer answer_for(struct emulate *e, int listener, const struct seccomp_notif *notification)
{
    const struct seccomp_data *data = &notification->data;
    struct ask a = {.e = e, .listener = listener, .id = notification->id};
    const struct calls_entry *entry;
    size_t index;

    a.thread = (pid_t)notification->pid;
    a.arch = data->arch == calls_audit(CALLS_NATIVE) ? CALLS_NATIVE : CALLS_COMPAT;
    /* Nobody that the supervisor could see; or nothing that it was to be asked. */
    if (a.thread <= 0 || data->nr < 0 || data->nr > CALLS_NEWEST)
        return answer_continue();
    index = e->answered[a.arch][data->nr];
    if (index == 0)
        return answer_continue();
    entry = &calls_table[index - 1];
    a.call = entry->call;
    a.form = a.arch == CALLS_NATIVE ? CALLS_WIDE : entry->compat;
    for (size_t i = 0; i < 6; i++)
        a.arg[i] = data->args[i];
    return answers[a.call](&a);
}

static struct err *serve_one(struct emulate *e, int listener)
{
    struct seccomp_notif notification = {0};
    struct answer answer;
    int error;

    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &notification) != 0) {
        /* It was interrupted, or has died. */
        if (errno == ENOENT || errno == EINTR || errno == EAGAIN)
            return NULL;
        return err_sys("answer the system calls of the command");
    }
    choose_wakeups(e, listener, (pid_t)notification.pid);
    records_expire(e->records);
    if (e->pending_count > 0)
        pending_settle(e);
    answer = answer_for(e, listener, &notification);
    if (answer.kind == ANSWER_SENT)
        return NULL;
    error = send_answer(listener, notification.id, answer);
    if (error != 0 && error != ENOENT && error != EINPROGRESS) {
        errno = error;
        return err_sys("answer the system calls of the command");
    }
    return NULL;
}

struct err *emulate_serve(struct emulate *e, int listener, bool *ended)
{
    struct pollfd waiting = {listener, POLLIN, 0};

    *ended = false;
    /* Receiving waits, forever if nobody is left. */
    if (poll(&waiting, 1, 0) == 1 && (waiting.revents & POLLIN))
        return serve_one(e, listener);
    *ended = (waiting.revents & (POLLHUP | POLLERR)) != 0;
    return NULL;
}
