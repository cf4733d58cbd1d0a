/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/supervise_setup.h"

#include "base/fs.h"
#include "base/mem.h"
#include "sandbox/binfmt.h"
#include "sandbox/bare.h"
#include "sandbox/namespaces.h"
#include "sandbox/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MESSAGE_MAX (1u << 20)

/* Records hold descriptors. */
static void raise_file_limit(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return;
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
}

/* A /proc with this process in it, which it does not see any more once the root is another. */
static struct err *open_proc(struct inside *in)
{
    if (in->spec.way.own_proc)
        return err_as(mounts_new_proc(&in->proc), ERR_UNSUPPORTED);
    struct err *e = fs_open(&in->proc, AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY, 0);
    if (e && in->spec.way.ids == SANDBOX_CHROOT) {
        err_free(e);
        return NULL;
    }
    return e;
}

static struct err *begin_emulation(struct inside *in, struct emulate **out)
{
    const struct emulate_options options = {
        .owners = &in->spec.owners,
        .root = in->root,
        .upper = in->upper,
        .proc = in->proc,
        .devices_only = in->spec.way.ids == SANDBOX_RANGE,
        .uid = in->spec.uid,
        .gid = in->spec.gid,
        .groups = in->spec.groups,
        .group_count = in->spec.group_count,
    };

    if (in->emulation == FILTER_NOTIFY || in->emulation == FILTER_DEVICES)
        TRY(emulate_new(out, &options));
    return filter_make(&in->filter, in->emulation, emulate_minds_copies(*out), in->spec.insecure);
}

static struct err *start(struct inside *in, struct supervised *out)
{
    AUTO(fd_close) int theirs = -1;
    int line[2];

    TRY(wire_pair(line));
    out->line = line[0];
    theirs = line[1];
    if (in->spec.way.own_proc && unshare(CLONE_NEWPID) != 0)
        return err_as(err_sys("create a process namespace"), ERR_UNSUPPORTED);
    out->pid = namespaces_fork(!in->spec.way.own_proc);
    if (out->pid < 0)
        return err_sys("start the command's process");
    if (out->pid == 0)
        init_become(in, theirs);
    fd_close(fd_take(&in->output));
    out->pid_fd = (int)syscall(SYS_pidfd_open, out->pid, 0);
    return out->pid_fd < 0 ? err_as(err_sys("watch the command's process"), ERR_UNSUPPORTED) : NULL;
}

/* Its mount of /proc shows the process namespace of who makes it. */
static struct err *receive_proc(const struct supervised *s, int *out)
{
    AUTO_VALUE(buf_wipe) struct buf message = BUF(MESSAGE_MAX);
    bool ended;

    TRY(wire_receive(s->line, &message, out, &ended));
    if (*out >= 0)
        return NULL;
    struct wire_in in = {.at = message.data, .left = message.len};
    struct err *e = ended ? NULL : wire_get_err(&in);
    return e ? e : err_new(ERR_INTERNAL, "the command's process ended before it began");
}

static struct err *mount_proc(struct inside *in, const struct supervised *s)
{
    AUTO(fd_close) int mount = -1;

    if (in->spec.way.own_proc)
        TRY(receive_proc(s, &mount));
    else
        TRY(err_as(mountfd_clone(&mount, AT_FDCWD, "/proc", true), ERR_UNSUPPORTED));
    return mounts_proc(in, &mount);
}

/* A new /proc is refused once the old one is out of sight, so the old root goes last. */
static struct err *mount_all(struct inside *in, struct supervised *out)
{
    struct given *given;

    TRY(given_open(&given, in));
    TRY(mounts_system(in));
    TRY(binfmt_register(in));
    TRY(start(in, out));
    TRY(mount_proc(in, out));
    TRY(given_mount(given, in, out->emulate));
    return root_enter(in);
}

struct err *supervise_setup(struct inside *in, struct supervised *out)
{
    struct buf go = BUF(0);

    if (!in->spec.way.own_proc)
        (void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    raise_file_limit();
    TRY(open_proc(in));
    TRY(root_mount(in));
    in->targets.root = in->root;
    TRY(begin_emulation(in, &out->emulate));
    if (in->spec.way.ids == SANDBOX_CHROOT) {
        TRY(bare_place(in));
        TRY(start(in, out));
    } else {
        TRY(mount_all(in, out));
    }
    errno = wire_send(out->line, &go, -1);
    return errno ? err_sys("start the command") : NULL;
}
