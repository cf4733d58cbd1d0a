/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "sandbox/inside.h"
#include "sandbox/namespaces.h"
#include "sandbox/privileges.h"
#include "sandbox/program.h"
#include "sandbox/spec_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Where the line to the supervisor is. */
#define LINE 3
#define OPEN_FILES 1024
#define MESSAGE_MAX (1u << 16)

static struct err *take_descriptors(const struct inside *in, int line)
{
    if (in->spec.way.ids == SANDBOX_CHROOT && (fchdir(in->root) != 0 || chroot(".") != 0))
        return err_as(err_sys("change the root directory"), ERR_UNSUPPORTED);
    if (dup2(in->output, STDOUT_FILENO) < 0 || dup2(in->output, STDERR_FILENO) < 0 ||
        dup3(line, LINE, O_CLOEXEC) < 0)
        return err_sys("prepare the command's descriptors");
    if (syscall(SYS_close_range, LINE + 1, ~0u, 0) != 0)
        return err_as(err_sys("close the descriptors that are not the command's"), ERR_UNSUPPORTED);
    return NULL;
}

static struct err *send_descriptor(int fd)
{
    struct buf nothing = BUF(0);

    errno = wire_send(LINE, &nothing, fd);
    return errno ? err_sys("talk to the supervisor") : NULL;
}

static struct err *send_proc(void)
{
    AUTO(fd_close) int mount = -1;

    TRY(err_as(mounts_new_proc(&mount), ERR_UNSUPPORTED));
    return send_descriptor(mount);
}

static struct err *wait_for_root(void)
{
    AUTO_VALUE(buf_wipe) struct buf message = BUF(MESSAGE_MAX);
    bool ended;

    TRY(wire_receive(LINE, &message, NULL, &ended));
    if (ended)
        _exit(1);
    return NULL;
}

static struct err *limit(int what, uint64_t soft, uint64_t hard)
{
    struct rlimit now, wanted = {.rlim_cur = soft, .rlim_max = hard};

    if (getrlimit((unsigned)what, &now) == 0 && wanted.rlim_cur > now.rlim_max && hard == RLIM_INFINITY)
        wanted.rlim_cur = soft == RLIM_INFINITY ? now.rlim_max : soft;
    if (setrlimit((unsigned)what, &wanted) != 0)
        return err_as(err_sys("limit what the command may use (resource %d)", what), ERR_UNSUPPORTED);
    return NULL;
}

static struct err *set_limits(const struct sandbox_spec *spec)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return err_sys("read the limit of open files");
    if (files.rlim_max > OPEN_FILES)
        TRY(limit(RLIMIT_NOFILE, OPEN_FILES, files.rlim_max));
    TRY(limit(RLIMIT_CORE, 0, 0));
    for (size_t i = 0; i < spec->limit_count; i++)
        TRY(limit(spec->limit[i].what, spec->limit[i].soft, spec->limit[i].hard));
    return NULL;
}

static struct err *enter_directory(const char *path)
{
    AUTO(fd_close) int root = -1;
    AUTO(fd_close) int fd = -1;

    TRY(fs_open(&root, AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0));
    struct err *e = fs_open_in_root(&fd, root, path, O_PATH | O_DIRECTORY, 0);
    if (!e && fchdir(fd) != 0)
        e = err_sys("enter the directory");
    return err_as(err_wrap(e, "working directory"), ERR_INPUT);
}

static struct err *load_filter(const struct inside *in)
{
    int listener = -1;

    errno = filter_load(&in->filter, &listener);
    /* In a container that may not do this, its own filter stands. */
    if ((errno == EACCES || errno == EPERM || errno == ENOSYS) && in->spec.way.ids == SANDBOX_CHROOT)
        return NULL;
    if (errno)
        return err_as(err_sys("load the filter of system calls"), ERR_UNSUPPORTED);
    if (listener < 0)
        return NULL;
    struct err *e = send_descriptor(listener);
    fd_close(listener);
    return e;
}

/* One id: what the command is to be stands in a token, and programs cannot gain anything by it. */
static struct err *become_emulated(const struct inside *in)
{
    const struct emulate_options options = {
        .uid = in->spec.uid,
        .gid = in->spec.gid,
        .groups = in->spec.groups,
        .group_count = in->spec.group_count,
    };

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return err_sys("give up new privileges");
    if (in->filter.listens) {
        errno = emulate_begin_process(&options);
        if (errno)
            return err_sys("set the command's user");
    }
    return load_filter(in);
}

static struct err *become_real(const struct inside *in)
{
    const struct sandbox_spec *spec = &in->spec;

    TRY(load_filter(in));
    /* Or it could not open /dev/stdout. */
    if (spec->uid != 0 && fchown(STDOUT_FILENO, spec->uid, spec->gid) != 0)
        return err_sys("give the output to the command's user");
    if (setgroups(spec->group_count, spec->groups) != 0 || setresgid(spec->gid, spec->gid, spec->gid) != 0 ||
        setresuid(spec->uid, spec->uid, spec->uid) != 0)
        return err_sys("become the command's user");
    return NULL;
}

static struct err *become_user(const struct inside *in)
{
    if (!in->spec.insecure) {
        TRY(privileges_drop());
        privileges_scope();
    }
    TRY(privileges_hand_on_none());
    return namespaces_has_user(&in->spec) ? become_emulated(in) : become_real(in);
}

/* Process 1 that only reaps; nobody may look into it, and so at lade's program. */
static struct err *reap_for_child(void)
{
    pid_t child = namespaces_fork(false), ended;
    int status;

    if (child <= 0)
        return child < 0 ? err_sys("start the command's process") : NULL;
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    (void)syscall(SYS_close_range, 0, ~0u, 0);
    do
        ended = waitpid(-1, &status, 0);
    while (ended != child && (ended > 0 || errno == EINTR));
    _exit(ended != child ? 1 : WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

static void open_input(void)
{
    AUTO(fd_close) int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    if (fd >= 0)
        (void)dup2(fd, STDIN_FILENO);
}

static struct err *work(const struct inside *in, int line, int *status)
{
    TRY(take_descriptors(in, line));
    if (in->spec.way.own_proc)
        TRY(send_proc());
    TRY(wait_for_root());
    open_input();
    (void)setsid();
    (void)umask(022);
    if (in->spec.init && in->spec.way.own_proc)
        TRY(reap_for_child());
    TRY(set_limits(&in->spec));
    TRY(enter_directory(in->spec.cwd));
    TRY(become_user(in));
    return program_start(&in->spec.argv, &in->spec.env, status);
}

_Noreturn void init_become(struct inside *in, int line)
{
    AUTO_VALUE(buf_wipe) struct buf message = BUF(MESSAGE_MAX);
    struct sandbox_result result = {.status = 1};
    struct err *e = work(in, line, &result.status);

    result_wire_put(&message, &result, e);
    (void)wire_send(LINE, &message, -1);
    _exit(result.status);
}
