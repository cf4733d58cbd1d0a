/* SPDX-License-Identifier: Apache-2.0 */
#include "base/proc.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/stop.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* How often to look when there is no pidfd to wait on. */
#define LOOK_MS 20
#define PATH_DEFAULT "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

struct child {
    const struct proc_spec *spec;
    char *name; /* for messages */
    char *path; /* of the program */
    pid_t pid;  /* 0 when there is none, or it was waited for; else it leads a process group of its own */
    int pid_fd;
    int in, out, err; /* our ends; -1 when closed */
    size_t sent;
    uint64_t end_ms; /* 0: no time limit */
};

/* Whatever happens, nothing of the child stays behind. */
static void child_end(struct child *c)
{
    if (c->pid > 0) {
        kill(-c->pid, SIGKILL);
        while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
            continue;
    }
    fd_close_auto(&c->pid_fd);
    fd_close_auto(&c->in);
    fd_close_auto(&c->out);
    fd_close_auto(&c->err);
    free(c->name);
    free(c->path);
}

/* A pipe whose ends are not 0, 1 or 2, which the child's descriptors are moved onto one by one. */
static struct err *make_pipe(int *read_end, int *write_end)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_sys("create a pipe");
    for (int i = 0; i < 2; i++) {
        int low = ends[i];
        if (low > 2)
            continue;
        ends[i] = fcntl(low, F_DUPFD_CLOEXEC, 3);
        fd_close(low);
    }
    *read_end = ends[0];
    *write_end = ends[1];
    return ends[0] < 0 || ends[1] < 0 ? err_sys("create a pipe") : NULL;
}

static bool can_run(const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return false;
    if (S_ISREG(st.st_mode) && access(path, X_OK) == 0)
        return true;
    errno = EACCES;
    return false;
}

/* Not posix_spawnp: it looks into relative directories, which may be a foreign context, and a directory in
 * PATH that we may not enter makes it say "permission denied" of what is nowhere. */
static struct err *find_program(struct child *c)
{
    const char *program = c->spec->argv[0];
    const char *at = getenv("PATH");
    if (!at)
        at = PATH_DEFAULT;
    bool seen = false;

    if (strchr(program, '/')) {
        c->path = mem_strdup(program);
        return NULL;
    }
    while (at && *program) {
        size_t len = strcspn(at, ":");
        AUTO(mem_free) char *folder = mem_strndup(at, len);
        AUTO(mem_free) char *path = path_join(folder, program);
        bool absolute = folder[0] == '/';
        if (absolute && can_run(path)) {
            c->path = TAKE(path);
            return NULL;
        }
        seen = seen || (absolute && errno == EACCES && faccessat(AT_FDCWD, path, F_OK, 0) == 0);
        at = at[len] ? at + len + 1 : NULL;
    }
    if (seen) {
        errno = EACCES;
        return err_sys("run %s", c->name);
    }
    return err_new(ERR_NOT_FOUND, "run %s: there is no such program in PATH", c->name);
}

struct ends {
    int in, out, err;
};

static int spawn_with(struct child *c, const struct ends *theirs, posix_spawn_file_actions_t *files,
                      posix_spawnattr_t *attr)
{
    /* posix_spawn changes neither array; its types are older than const. */
    union {
        const char *const *in;
        char *const *out;
    } argv = {.in = c->spec->argv}, env = {.in = c->spec->env};
    sigset_t all, none;
    int e = 0;

    sigemptyset(&none);
    sigfillset(&all);
    sigdelset(&all, SIGKILL);
    sigdelset(&all, SIGSTOP);
    if (theirs->in >= 0)
        e = e ? e : posix_spawn_file_actions_adddup2(files, theirs->in, 0);
    else
        e = e ? e : posix_spawn_file_actions_addopen(files, 0, "/dev/null", O_RDONLY, 0);
    e = e ? e : posix_spawn_file_actions_adddup2(files, theirs->out, 1);
    e = e ? e : posix_spawn_file_actions_adddup2(files, theirs->err, 2);
    e = e ? e : posix_spawn_file_actions_addclosefrom_np(files, 3);
    e = e ? e
          : posix_spawnattr_setflags(attr,
                                     POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    e = e ? e : posix_spawnattr_setsigdefault(attr, &all);
    e = e ? e : posix_spawnattr_setsigmask(attr, &none);
    e = e ? e : posix_spawnattr_setpgroup(attr, 0);
    return e ? e : posix_spawn(&c->pid, c->path, files, attr, argv.out, env.in ? env.out : environ);
}

static struct err *spawn(struct child *c)
{
    AUTO(fd_close) int in = -1;
    AUTO(fd_close) int out = -1;
    AUTO(fd_close) int err = -1;
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;

    TRY(find_program(c));
    if (c->spec->input)
        TRY(make_pipe(&in, &c->in));
    TRY(make_pipe(&c->out, &out));
    TRY(make_pipe(&c->err, &err));
    if ((c->in >= 0 && fcntl(c->in, F_SETFL, O_NONBLOCK) != 0) || fcntl(c->out, F_SETFL, O_NONBLOCK) != 0 ||
        fcntl(c->err, F_SETFL, O_NONBLOCK) != 0)
        return err_sys("prepare a pipe");
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attr);
    int e = spawn_with(c, &(struct ends){in, out, err}, &files, &attr);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    if (e) {
        c->pid = 0;
        errno = e;
        return err_sys("run %s", c->name);
    }
    /* -1 where the kernel has none; wait_ms makes up for it. */
    c->pid_fd = (int)syscall(SYS_pidfd_open, c->pid, 0);
    return NULL;
}

static struct err *feed(struct child *c)
{
    size_t left = c->spec->input_len - c->sent;
    ssize_t wrote = left ? write(c->in, c->spec->input + c->sent, left) : 0;

    if (wrote > 0)
        c->sent += (size_t)wrote;
    /* A child that does not want its input may say no: EPIPE. */
    if (wrote < 0 && errno != EAGAIN && errno != EINTR && errno != EPIPE)
        return err_sys("write to %s", c->name);
    if (c->sent == c->spec->input_len || (wrote < 0 && errno == EPIPE))
        fd_close(fd_take(&c->in));
    return NULL;
}

/* Read what is there; closes at the end. */
static struct err *collect(struct child *c, int *fd, struct buf *into, const char *stream)
{
    char piece[16 * 1024];

    /* As much as a pipe holds, and no more: there is a time limit to look at. */
    for (int pieces = 0; *fd >= 0 && pieces < 64; pieces++) {
        ssize_t got = read(*fd, piece, sizeof piece);
        if (got < 0 && errno == EAGAIN)
            return NULL;
        if (got < 0 && errno != EINTR)
            return err_sys("read from %s", c->name);
        if (got == 0)
            fd_close(fd_take(fd));
        if (got > 0)
            buf_add(into, piece, (size_t)got);
        if (into->full) {
            AUTO(mem_free) char *what = mem_printf("the %s of %s", stream, c->name);
            return buf_check(into, what);
        }
    }
    return NULL;
}

static struct err *wait_ms(const struct child *c, int *ms)
{
    uint64_t now = clock_ms();

    *ms = -1;
    if (c->end_ms) {
        if (now >= c->end_ms)
            return err_new(ERR_RESOURCE, "%s did not end within %u ms", c->name, c->spec->timeout_ms);
        uint64_t left = c->end_ms - now;
        *ms = left < INT_MAX ? (int)left : INT_MAX;
    }
    if (c->pid_fd < 0 && (*ms < 0 || *ms > LOOK_MS))
        *ms = LOOK_MS;
    return NULL;
}

static struct err *has_ended(struct child *c, bool *ended, int *status)
{
    pid_t pid = waitpid(c->pid, status, WNOHANG);

    if (pid < 0 && errno != EINTR)
        return err_sys("wait for %s", c->name);
    *ended = pid == c->pid;
    if (*ended)
        c->pid = 0;
    return NULL;
}

/* Until the child itself has ended. What it left running may hold the pipes open, and is not waited for. */
static struct err *talk(struct child *c, struct proc_result *r)
{
    bool ended = false;
    int status = 0;

    while (!ended) {
        struct pollfd fds[] = {
            {.fd = c->in, .events = POLLOUT},    {.fd = c->out, .events = POLLIN},
            {.fd = c->err, .events = POLLIN},    {.fd = c->pid_fd, .events = POLLIN},
            {.fd = stop_fd(), .events = POLLIN},
        };
        int ms;
        TRY(stop_check());
        TRY(wait_ms(c, &ms));
        int ready = poll(fds, ARRAY_LEN(fds), ms);
        if (ready < 0 && errno != EINTR)
            return err_sys("wait for %s", c->name);
        if (ready > 0 && fds[0].revents)
            TRY(feed(c));
        if (c->pid_fd < 0 || (ready > 0 && fds[3].revents))
            TRY(has_ended(c, &ended, &status));
        TRY(collect(c, &c->out, &r->out, "output"));
        TRY(collect(c, &c->err, &r->err, "error output"));
    }
    r->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    return NULL;
}

/* Callers need not ignore SIGPIPE: it is held back in this thread, and taken away if it was ours. */
struct held_signal {
    sigset_t pipe, before;
    bool was_pending;
};

static void hold_sigpipe(struct held_signal *h)
{
    sigset_t pending;

    sigemptyset(&h->pipe);
    sigaddset(&h->pipe, SIGPIPE);
    sigpending(&pending);
    h->was_pending = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &h->pipe, &h->before);
}

static void release_sigpipe(struct held_signal *h)
{
    struct timespec now = {0};

    if (!h->was_pending)
        while (sigtimedwait(&h->pipe, NULL, &now) < 0 && errno == EINTR)
            continue;
    pthread_sigmask(SIG_SETMASK, &h->before, NULL);
}

struct err *proc_run(const struct proc_spec *spec, struct proc_result *result)
{
    struct held_signal held;
    struct child c = {.spec = spec, .pid_fd = -1, .in = -1, .out = -1, .err = -1};
    struct err *e;

    c.name = str_safe(spec->argv[0]);
    c.end_ms = spec->timeout_ms ? clock_ms() + spec->timeout_ms : 0;
    hold_sigpipe(&held);
    e = spawn(&c);
    if (!e)
        e = talk(&c, result);
    child_end(&c);
    release_sigpipe(&held);
    return e;
}

void proc_result_wipe(struct proc_result *result)
{
    buf_wipe(&result->out);
    buf_wipe(&result->err);
}
