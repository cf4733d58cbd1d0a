/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/stop.h"
#include "base/str.h"
#include "sandbox/sandbox.h"
#include "sandbox/spec_wire.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PIECE (128u * 1024)
/* How long a sandbox that was told to stop may take to tidy up. */
#define STOP_MS 10000

struct run {
    const struct sandbox_spec *spec;
    struct proc_child child;
    int control, output;
    int supervisor; /* its pidfd; -1: not known */
    bool stopping, answered;
    uint64_t kill_ms; /* when stopping */
    struct sandbox_result *result;
    struct err *why;
    char *piece;
};

/* Poll cannot fail but by a signal here. */
static void wait_for_end(int pid_fd)
{
    uint64_t end = clock_ms() + STOP_MS;
    struct pollfd fd = {.fd = pid_fd, .events = POLLIN};

    while (pid_fd >= 0 && clock_ms() < end && poll(&fd, 1, STOP_MS) < 0 && errno == EINTR)
        continue;
}

/* With the supervisor all others end, and its pidfd tells when they have. */
static void run_wipe(struct run *r)
{
    proc_child_end(&r->child);
    if (r->supervisor >= 0) {
        if (!r->answered)
            (void)syscall(SYS_pidfd_send_signal, r->supervisor, SIGKILL, NULL, 0);
        wait_for_end(r->supervisor);
    }
    fd_close_auto(&r->supervisor);
    fd_close_auto(&r->control);
    fd_close_auto(&r->output);
    err_free(r->why);
    free(r->piece);
}

/* *end: nobody writes any more. `some`: at most what a pipe holds, so that others have their turn. */
static struct err *pump(struct run *r, bool some)
{
    size_t left = some ? 1u << 20 : SIZE_MAX;

    while (r->output >= 0 && left > 0) {
        ssize_t got = read(r->output, r->piece, PIECE);
        if (got < 0 && errno == EAGAIN)
            return NULL;
        if (got < 0 && errno != EINTR)
            return err_sys("read what the command writes");
        if (got == 0)
            fd_close(fd_take(&r->output));
        if (got > 0 && r->spec->output)
            r->spec->output(r->spec->ctx, r->piece, (size_t)got);
        if (got > 0)
            left -= (size_t)got < left ? (size_t)got : left;
    }
    return NULL;
}

static struct err *hear(struct run *r)
{
    AUTO_VALUE(buf_wipe) struct buf message = BUF(WIRE_MAX);
    bool ended;
    int passed;

    TRY(wire_receive(r->control, &message, &passed, &ended));
    if (ended) {
        fd_close(fd_take(&r->control));
        return NULL;
    }
    struct wire_in in = {.at = message.data, .left = message.len};
    if (wire_get_u64(&in) == ANSWER_SUPERVISOR) {
        fd_close_auto(&r->supervisor);
        r->supervisor = passed;
        return NULL;
    }
    /* The first is of who knows most. */
    if (r->answered)
        return NULL;
    r->answered = true;
    r->why = result_wire_get(r->result, &in);
    return NULL;
}

static void stop(struct run *r)
{
    r->stopping = true;
    r->kill_ms = clock_ms() + STOP_MS;
    (void)shutdown(r->control, SHUT_WR);
}

static struct err *turn(struct run *r)
{
    int ms = -1;
    struct pollfd fds[] = {
        {.fd = r->output, .events = POLLIN},
        {.fd = r->control, .events = POLLIN},
        {.fd = r->stopping ? -1 : r->spec->cancel_fd, .events = POLLIN},
        {.fd = r->stopping ? -1 : stop_fd(), .events = POLLIN},
    };

    if (r->stopping) {
        uint64_t now = clock_ms();
        if (now >= r->kill_ms)
            return err_new(ERR_STOPPED, "the command did not end in time");
        ms = (int)(r->kill_ms - now);
    }
    int ready = poll(fds, ARRAY_LEN(fds), ms);
    if (ready < 0 && errno != EINTR)
        return err_sys("wait for the sandbox");
    if (ready <= 0)
        return NULL;
    if (fds[2].revents || fds[3].revents)
        stop(r);
    if (fds[0].revents)
        TRY(pump(r, true));
    return fds[1].revents ? hear(r) : NULL;
}

static struct err *start(struct run *r)
{
    AUTO_VALUE(buf_wipe) struct buf request = BUF(WIRE_MAX);
    AUTO(fd_close) int theirs = -1;
    AUTO(fd_close) int output = -1;
    int pair[2];

    wire_put_u64(&request, REQUEST_RUN);
    spec_wire_put(&request, r->spec);
    TRY(buf_check(&request, "what the sandbox has to know"));
    TRY(wire_pair(pair));
    r->control = pair[0];
    theirs = pair[1];
    TRY(proc_pipe(&r->output, &output));
    if (fcntl(r->output, F_SETFL, O_NONBLOCK) != 0)
        return err_sys("prepare a pipe");
    const struct proc_fd fds[] = {{theirs, SANDBOX_CONTROL}, {output, SANDBOX_OUTPUT}};
    TRY(proc_start_self(&r->child, SANDBOX_MODE, fds, ARRAY_LEN(fds)));
    fd_close(fd_take(&theirs));
    errno = wire_send(r->control, &request, -1);
    mem_wipe(request.data, request.len);
    return errno && errno != EPIPE ? err_sys("talk to the sandbox") : NULL;
}

/* The overlay leaves directories there that a next one would stumble over, and that nobody may enter. */
static struct err *clear_work(const struct sandbox_spec *spec)
{
    static const char *const names[] = {"work", "index"};
    AUTO(fd_close) int fd = -1;

    if (!spec->way.overlay)
        return NULL;
    TRY(fs_open(&fd, AT_FDCWD, spec->work, O_RDONLY | O_DIRECTORY, 0));
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        TRY(fs_remove_tree(fd, names[i]));
    return NULL;
}

static struct err *finish(struct run *r)
{
    bool ended;
    int status = 0;

    TRY(proc_child_wait(&r->child, STOP_MS, &ended, &status));
    if (r->answered)
        return TAKE(r->why);
    if (!ended)
        return err_new(ERR_INTERNAL, "the sandbox went on without a word");
    AUTO(mem_free) char *how = proc_status_text(status);
    return err_hint(err_new(ERR_RESOURCE, "the sandbox ended before the command: %s", how),
                    "when memory runs out, the kernel kills a process");
}

/* What a command says of a full disk is its own; that it was full is for us to say. */
static struct err *check_room(const struct run *r)
{
    const char *place = r->spec->way.overlay ? r->spec->upper : r->spec->root;
    struct statvfs fs;

    if (r->result->status == 0 || statvfs(place, &fs) != 0)
        return NULL;
    bool full = fs.f_bavail == 0 || (fs.f_files > 0 && fs.f_favail == 0);
    return full ? err_hint(
                      err_new(ERR_RESOURCE, "no space is left in %s, where the command's files are", place),
                      "make room there, or set LADE_CACHE to another place")
                : NULL;
}

static struct err *run(struct run *r)
{
    TRY(stop_check());
    TRY(clear_work(r->spec));
    TRY(start(r));
    while (r->control >= 0)
        TRY(turn(r));
    struct err *e = finish(r);
    struct err *lost = pump(r, false);
    if (r->stopping) {
        err_free(e);
        err_free(lost);
        struct err *stopped = stop_check();
        return stopped ? stopped : err_new(ERR_STOPPED, "stopped");
    }
    if (e) {
        err_free(lost);
        return e;
    }
    return lost ? lost : check_room(r);
}

struct err *sandbox_run(struct sandbox_result *out, const struct sandbox_spec *spec)
{
    assert(spec->argv.count > 0 && spec->cwd && spec->root);
    struct run r = {.spec = spec,
                    .child = {.pid_fd = -1},
                    .control = -1,
                    .output = -1,
                    .supervisor = -1,
                    .result = out,
                    .piece = mem_alloc(PIECE)};

    *out = (struct sandbox_result){0};
    struct err *e = run(&r);
    run_wipe(&r);
    struct err *dirty = clear_work(spec);
    if (e) {
        err_free(dirty);
        return e;
    }
    return dirty;
}
