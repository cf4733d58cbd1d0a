/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"
#include "sandbox/capabilities.h"
#include "sandbox/descend.h"
#include "sandbox/inside.h"
#include "sandbox/namespaces.h"
#include "sandbox/probe.h"
#include "sandbox/spec_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

bool sandbox_is_child(const char *argv0)
{
    return argv0 && str_eq(argv0, SANDBOX_MODE);
}

static enum filter_emulation emulation_of(const struct sandbox_spec *spec)
{
    switch (spec->way.ids) {
    case SANDBOX_SINGLE:
        return FILTER_NOTIFY;
    case SANDBOX_RANGE:
        return FILTER_DEVICES;
    case SANDBOX_FAKE:
        return FILTER_FAKE;
    case SANDBOX_HOST:
    case SANDBOX_CHROOT:
        break;
    }
    return FILTER_NONE;
}

static struct err *await_supervisor(struct inside *in, pid_t pid)
{
    int status;

    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return err_sys("wait for the supervisor");
    if (!in->spec.way.own_proc) {
        AUTO(fd_close) int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        descend_kill(proc);
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return NULL;
    AUTO(mem_free) char *how = proc_status_text(status);
    return err_new(ERR_RESOURCE, "the supervisor of the command ended: %s", how);
}

static struct err *run(struct wire_in *request)
{
    struct inside in = {
        .control = SANDBOX_CONTROL,
        .output = SANDBOX_OUTPUT,
        .root = -1,
        .clean = -1,
        .upper = -1,
        .proc = -1,
        .binfmt = -1,
    };
    int guard[2];

    TRY(spec_wire_get(&in.spec, request));
    TRY(namespaces_enter(&in.spec));
    in.emulation = emulation_of(&in.spec);
    if (pipe2(guard, O_CLOEXEC) != 0)
        return err_sys("create a pipe");
    if (!in.spec.way.own_proc)
        (void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    /* Without a process namespace the supervisor has to outlive us, to kill what it started. */
    pid_t pid = namespaces_fork(in.spec.way.own_proc);
    if (pid < 0)
        return err_sys("start the supervisor");
    if (pid == 0) {
        fd_close(guard[1]);
        in.guard = guard[0];
        supervise(&in);
    }
    fd_close(guard[0]);
    fd_close(in.output);
    return await_supervisor(&in, pid);
}

static struct err *receive(struct buf *message)
{
    bool ended;

    TRY(wire_receive(SANDBOX_CONTROL, message, NULL, &ended));
    if (ended)
        _exit(1);
    return NULL;
}

static struct err *serve(void)
{
    AUTO_VALUE(buf_wipe) struct buf message = BUF(WIRE_MAX);

    TRY(receive(&message));
    struct wire_in in = {.at = message.data, .left = message.len};
    switch (wire_get_u64(&in)) {
    case REQUEST_RUN:
        return run(&in);
    case REQUEST_PROBE:
        return probe_serve(&in, SANDBOX_CONTROL);
    case REQUEST_CAPABILITIES:
        return capabilities_serve(&in, SANDBOX_OUTPUT);
    default:
        return err_new(ERR_INTERNAL, "a request to the sandbox is damaged");
    }
}

/* What ends well has sent its answer itself, but for requests whose answer is that. */
_Noreturn void sandbox_child(void)
{
    AUTO_VALUE(buf_wipe) struct buf message = BUF(WIRE_MAX);
    const struct sandbox_result none = {0};

    (void)prctl(PR_SET_NAME, SANDBOX_MODE, 0, 0, 0);
    (void)umask(0);
    (void)fcntl(SANDBOX_CONTROL, F_SETFD, FD_CLOEXEC);
    (void)fcntl(SANDBOX_OUTPUT, F_SETFD, FD_CLOEXEC);
    struct err *e = serve();
    if (!e)
        _exit(0);
    wire_put_u64(&message, ANSWER_RESULT);
    result_wire_put(&message, &none, e);
    (void)wire_send(SANDBOX_CONTROL, &message, -1);
    _exit(1);
}
