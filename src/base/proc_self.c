/* SPDX-License-Identifier: Apache-2.0 */
#include "base/proc.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/stop.h"
#include "base/str.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PIPE_ROOM (1 << 20)
/* How often to look when there is no pidfd to wait on. */
#define LOOK_MS 20
#define SELF "/proc/self/exe"

/* Our own program, even when its file was replaced or removed meanwhile; without /proc, the file that has its
 * name now. */
static const char *own_program(void)
{
    if (access(SELF, X_OK) == 0)
        return SELF;
    return (const char *)getauxval(AT_EXECFN);
}

static int set_files(posix_spawn_file_actions_t *files, const struct proc_fd *fds, size_t count)
{
    bool given[PROC_FD_MAX] = {false};
    int e = 0, top = 2;

    for (size_t i = 0; i < count; i++) {
        assert(fds[i].ours >= PROC_FD_MAX && fds[i].theirs < PROC_FD_MAX);
        given[fds[i].theirs] = true;
        if (fds[i].theirs > top)
            top = fds[i].theirs;
        e = e ? e : posix_spawn_file_actions_adddup2(files, fds[i].ours, fds[i].theirs);
    }
    for (int fd = 0; fd < PROC_FD_MAX; fd++) {
        if (!given[fd] && fd <= 2)
            e = e ? e : posix_spawn_file_actions_addopen(files, fd, "/dev/null", O_RDWR, 0);
        else if (!given[fd] && fd < top)
            e = e ? e : posix_spawn_file_actions_addclose(files, fd);
    }
    return e ? e : posix_spawn_file_actions_addclosefrom_np(files, top + 1);
}

static int set_signals(posix_spawnattr_t *attr)
{
    sigset_t all, none;
    int e;

    sigemptyset(&none);
    sigfillset(&all);
    sigdelset(&all, SIGKILL);
    sigdelset(&all, SIGSTOP);
    e = posix_spawnattr_setflags(attr,
                                 POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    e = e ? e : posix_spawnattr_setsigdefault(attr, &all);
    e = e ? e : posix_spawnattr_setsigmask(attr, &none);
    return e ? e : posix_spawnattr_setpgroup(attr, 0);
}

struct err *proc_start_self(struct proc_child *out, const char *mode, const struct proc_fd *fds, size_t count)
{
    AUTO(mem_free) char *name = mem_strdup(mode);
    char *const argv[] = {name, NULL}, *const env[] = {NULL};
    const char *program = own_program();
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    pid_t pid;

    /* A main that does not look at its name would do this for ever. */
    if (str_eq(program_invocation_name, mode))
        return err_new(ERR_INTERNAL, "%s does not start itself", mode);
    if (!program)
        return err_new(ERR_UNSUPPORTED, "start a process for %s: this program does not know its name", mode);
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attr);
    int e = set_files(&files, fds, count);
    e = e ? e : set_signals(&attr);
    e = e ? e : posix_spawn(&pid, program, &files, &attr, argv, env);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    if (e) {
        AUTO(mem_free) char *safe = str_safe(program);
        errno = e;
        struct err *failed = err_sys("start %s again, for %s", safe, mode);
        bool lost = e == ENOENT || e == EACCES || e == ENOTDIR;
        return lost ? err_hint(err_as(failed, ERR_UNSUPPORTED), "mount /proc, or start lade by its full path")
                    : failed;
    }
    *out = (struct proc_child){.pid = pid, .pid_fd = (int)syscall(SYS_pidfd_open, pid, 0)};
    return NULL;
}

struct err *proc_child_wait(struct proc_child *c, unsigned timeout_ms, bool *ended, int *status)
{
    uint64_t end = clock_ms() + timeout_ms;

    *ended = false;
    while (!*ended) {
        pid_t pid = waitpid(c->pid, status, WNOHANG);
        if (pid < 0 && errno != EINTR)
            return err_sys("wait for a process");
        *ended = pid == c->pid;
        uint64_t now = clock_ms();
        if (*ended || now >= end)
            break;
        int left = end - now < INT32_MAX ? (int)(end - now) : INT32_MAX;
        struct pollfd fd = {.fd = c->pid_fd, .events = POLLIN};
        (void)poll(&fd, 1, c->pid_fd < 0 && left > LOOK_MS ? LOOK_MS : left);
        TRY(stop_check());
    }
    if (*ended) {
        c->pid = 0;
        fd_close_auto(&c->pid_fd);
        c->pid_fd = -1;
    }
    return NULL;
}

void proc_child_end(struct proc_child *c)
{
    if (c->pid <= 0)
        return;
    (void)kill(c->pid, SIGKILL);
    (void)kill(-c->pid, SIGKILL);
    while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    fd_close_auto(&c->pid_fd);
    *c = (struct proc_child){.pid_fd = -1};
}

char *proc_status_text(int status)
{
    if (!WIFSIGNALED(status))
        return mem_printf("exit status %d", WEXITSTATUS(status));
    const char *name = sigdescr_np(WTERMSIG(status));
    return mem_printf("signal %d (%s)", WTERMSIG(status), name ? name : "unknown");
}

struct err *proc_pipe(int *read_end, int *write_end)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_sys("create a pipe");
    for (int i = 0; i < 2; i++) {
        int low = ends[i];
        ends[i] = fcntl(low, F_DUPFD_CLOEXEC, PROC_FD_MAX);
        fd_close(low);
    }
    if (ends[0] < 0 || ends[1] < 0) {
        struct err *e = err_sys("create a pipe");
        fd_close_auto(&ends[0]);
        fd_close_auto(&ends[1]);
        return e;
    }
    (void)fcntl(ends[0], F_SETPIPE_SZ, PIPE_ROOM);
    *read_end = ends[0];
    *write_end = ends[1];
    return NULL;
}

/* The signal is held back in this thread, and taken away if it was ours. */
ssize_t proc_write(int fd, const void *data, size_t len)
{
    struct timespec now = {0};
    sigset_t pipe, before, pending;

    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    sigpending(&pending);
    bool was_pending = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe, &before);
    ssize_t wrote = write(fd, data, len);
    int kept = errno;
    if (wrote < 0 && kept == EPIPE && !was_pending)
        while (sigtimedwait(&pipe, NULL, &now) < 0 && errno == EINTR)
            continue;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = kept;
    return wrote;
}
