/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "sandbox/bare.h"
#include "sandbox/descend.h"
#include "sandbox/inside.h"
#include "sandbox/namespaces.h"
#include "sandbox/spec_wire.h"
#include "sandbox/supervise_setup.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MESSAGE_MAX (1u << 20)

struct watch {
    struct inside *in;
    struct supervised *s;
    struct sandbox_result *result;
    int listener;
    uint64_t end_ms; /* 0: no time limit */
    bool ending, ended;
    struct err *why; /* the command could not be started */
};

static void end_command(struct watch *w)
{
    w->ending = true;
    w->end_ms = 0;
    (void)kill(w->s->pid, SIGKILL);
}

/* From process 2: a listener, or why it gives up; its end when the command is started. */
static struct err *hear(struct watch *w)
{
    AUTO_VALUE(buf_wipe) struct buf message = BUF(MESSAGE_MAX);
    bool ended;
    int passed;

    TRY(wire_receive(w->s->line, &message, &passed, &ended));
    if (ended) {
        fd_close(fd_take(&w->s->line));
    } else if (passed >= 0) {
        w->listener = passed;
    } else {
        struct wire_in in = {.at = message.data, .left = message.len};
        struct sandbox_result r = {0};
        err_free(w->why);
        w->why = result_wire_get(&r, &in);
        w->result->status = r.status;
    }
    return NULL;
}

static int wait_ms(struct watch *w)
{
    if (w->end_ms == 0)
        return -1;
    uint64_t now = clock_ms();
    if (now >= w->end_ms) {
        w->result->timed_out = true;
        end_command(w);
        return -1;
    }
    return w->end_ms - now < INT32_MAX ? (int)(w->end_ms - now) : INT32_MAX;
}

static struct err *listen(struct watch *w)
{
    bool ended = false;
    struct err *e = emulate_serve(w->s->emulate, w->listener, &ended);

    if (ended || e)
        fd_close(fd_take(&w->listener));
    return e;
}

static struct err *turn(struct watch *w)
{
    int ms = wait_ms(w);
    struct pollfd fds[] = {
        {.fd = w->s->pid_fd, .events = POLLIN},
        {.fd = w->s->line, .events = POLLIN},
        {.fd = w->listener, .events = POLLIN},
        {.fd = w->ending ? -1 : w->in->control, .events = POLLIN},
        {.fd = w->ending ? -1 : w->in->guard, .events = POLLIN},
    };

    if (poll(fds, ARRAY_LEN(fds), ms) < 0)
        return errno == EINTR ? NULL : err_sys("wait for the command");
    if (fds[1].revents)
        TRY(hear(w));
    if (fds[2].revents)
        TRY(listen(w));
    if (fds[3].revents || fds[4].revents)
        end_command(w);
    if (fds[4].revents && !w->why)
        w->why = err_new(ERR_RESOURCE, "the sandbox was killed");
    if (fds[0].revents) {
        w->ended = true;
        /* Its last word may be there still. */
        while (w->s->line >= 0)
            TRY(hear(w));
    }
    return NULL;
}

static struct err *watch_command(struct watch *w)
{
    int status;

    while (!w->ended)
        TRY(turn(w));
    while (waitpid(w->s->pid, &status, 0) < 0)
        if (errno != EINTR)
            return err_sys("wait for the command");
    if (!w->in->spec.way.own_proc)
        descend_kill(w->in->proc);
    if (!w->why)
        w->result->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    return TAKE(w->why);
}

/* Nothing of the command runs any more. */
static struct err *tidy(struct inside *in, struct supervised *s, struct sandbox_result *result)
{
    bool walks = in->spec.way.ids == SANDBOX_SINGLE || in->spec.way.ids == SANDBOX_RANGE;

    if (in->targets.count > 0 || !in->spec.way.overlay)
        TRY(mountfd_detach(&in->mounts, in->proc));
    bare_remove(in);
    targets_remove(&in->targets);
    if (!walks || !s->emulate)
        return NULL;
    emulate_settle(s->emulate);
    kept_collect(result, in, s->emulate);
    return owners_collect(&result->owners, in, s->emulate);
}

static struct err *work(struct inside *in, struct sandbox_result *result)
{
    struct supervised s = {.line = -1, .pid_fd = -1};
    struct watch w = {.in = in, .s = &s, .result = result, .listener = -1};

    struct err *e = supervise_setup(in, &s);
    if (e) {
        if (!in->spec.way.own_proc)
            descend_kill(in->proc);
        return e;
    }
    if (in->spec.timeout_ms)
        w.end_ms = clock_ms() + in->spec.timeout_ms;
    e = watch_command(&w);
    if (!w.ended) {
        end_command(&w);
        if (!in->spec.way.own_proc)
            descend_kill(in->proc);
        return e;
    }
    struct err *untidy = tidy(in, &s, result);
    if (e) {
        err_free(untidy);
        return e;
    }
    return untidy;
}

/* By it lade can wait for this process even when the one between was killed. */
static void send_supervisor(const struct inside *in)
{
    AUTO_VALUE(buf_wipe) struct buf message = BUF(sizeof(uint64_t));
    AUTO(fd_close) int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);

    wire_put_u64(&message, ANSWER_SUPERVISOR);
    if (fd >= 0)
        (void)wire_send(in->control, &message, fd);
}

_Noreturn void supervise(struct inside *in)
{
    AUTO_VALUE(buf_wipe) struct buf message = BUF(WIRE_MAX);
    struct sandbox_result result = {.faked = in->spec.way.ids == SANDBOX_FAKE};

    send_supervisor(in);
    struct err *e = work(in, &result);
    wire_put_u64(&message, ANSWER_RESULT);
    result_wire_put(&message, &result, e);
    (void)wire_send(in->control, &message, -1);
    _exit(0);
}
