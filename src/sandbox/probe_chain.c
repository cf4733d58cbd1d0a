/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/probe_chain.h"

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "sandbox/inside.h"
#include "sandbox/namespaces.h"
#include "sandbox/range.h"
#include "sandbox/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define MESSAGE_MAX (1u << 16)
/* Any id that is not ours. */
#define OTHER 1

static const char *const names[] = {
    [STEP_USER] = "user namespace",     [STEP_PROC] = "process file system",
    [STEP_OVERLAY] = "overlay",         [STEP_SUPERVISOR] = "supervisor",
    [STEP_FAKE] = "system call filter", [STEP_NAMESPACES] = "namespaces without a user namespace",
    [STEP_DEVICES] = "device files",    [STEP_RANGE] = "subordinate ids",
    [STEP_OWNERS] = "change of owner",  [STEP_CHROOT] = "chroot",
};
static const char *const folders[] = {"lower", "lower/d", "upper", "work", "root"};

const char *probe_step_name(enum probe_step step)
{
    return names[step];
}

const char *probe_chain_name(const char *text)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq(names[i], text))
            return names[i];
    return "unknown";
}

struct err *probe_chain_prepare(const char *dir)
{
    TRY(fs_mkdir_all(AT_FDCWD, dir));
    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        AUTO(mem_free) char *path = path_join(dir, folders[i]);
        TRY(fs_mkdir_all(AT_FDCWD, path));
    }
    return NULL;
}

/* Takes `why` over; true: it works. */
static bool say(int line, enum probe_step step, struct err *why)
{
    AUTO_VALUE(buf_wipe) struct buf message = BUF(MESSAGE_MAX);

    wire_put_text(&message, names[step]);
    wire_put_err(&message, why);
    (void)wire_send(line, &message, -1);
    err_free(why);
    return !why;
}

/* A user namespace that may be made, but has no power, is of no use: mount something. */
static struct err *try_mounting(void)
{
    AUTO(fd_close) int mount_fd = -1;

    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return err_sys("make the mounts private");
    return mountfd_new(&mount_fd, "tmpfs", NULL, 0, 0);
}

static struct err *try_user(void)
{
    TRY(namespaces_enter_single(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS, 0, 0));
    return try_mounting();
}

static struct err *try_namespaces(void)
{
    if (unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS) != 0)
        return err_sys("create namespaces");
    return try_mounting();
}

/* In the process namespace that was made before; its first process says it. */
static void try_proc(int line)
{
    AUTO(fd_close) int fd = -1;
    int status;
    pid_t pid = namespaces_fork(false);

    if (pid == 0) {
        (void)say(line, STEP_PROC, mounts_new_proc(&fd));
        _exit(0);
    }
    if (pid < 0)
        (void)say(line, STEP_PROC, err_sys("start a process"));
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
}

/* A directory of the lower layer that is replaced must be marked so, or what was in it comes back. */
static struct err *try_overlay(const char *dir)
{
    AUTO(mem_free) char *upper = path_join(dir, "upper");
    AUTO(mem_free) char *work = path_join(dir, "work");
    AUTO(mem_free) char *root = path_join(dir, "root");
    AUTO_VALUE(strlist_wipe) struct strlist lower = {0};
    struct inside in = {.spec = {.way = {.overlay = true}, .upper = upper, .work = work, .root = root}};

    strlist_add_take(&lower, path_join(dir, "lower"));
    in.spec.lower = lower;
    TRY(root_mount(&in));
    if (unlinkat(in.root, "d", AT_REMOVEDIR) != 0 || mkdirat(in.root, "d", 0700) != 0)
        return err_sys("replace a directory on an overlay");
    return NULL;
}

/* Whoever this filter is on waits for answers that nobody gives: the process ends at once. */
static struct err *try_filter(enum filter_emulation emulation)
{
    struct filter filter = {0};
    int listener = -1;

    TRY(filter_make(&filter, emulation, false, false));
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return err_sys("give up new privileges");
    errno = filter_load(&filter, &listener);
    int saved = errno;
    filter_wipe(&filter);
    fd_close_auto(&listener);
    errno = saved;
    if (errno == EBUSY)
        return err_new(ERR_UNSUPPORTED,
                       "load a filter with a listener: this process has a supervisor already (EBUSY)");
    return errno ? err_sys("load a filter") : NULL;
}

static struct err *try_devices(const char *dir)
{
    AUTO(mem_free) char *path = path_join(dir, "null");

    if (mknod(path, S_IFCHR | 0600, makedev(1, 3)) != 0)
        return err_sys("make a device file");
    return NULL;
}

static struct err *try_owners(const char *dir)
{
    AUTO(mem_free) char *path = path_join(dir, "owned");

    TRY(fs_mkdir_all(AT_FDCWD, path));
    if (chown(path, OTHER, OTHER) != 0)
        return err_sys("give a file to somebody else");
    return NULL;
}

static struct err *try_chroot(const char *dir)
{
    if (chroot(dir) != 0 || chdir("/") != 0)
        return err_sys("change the root directory");
    if (setgroups(0, NULL) != 0 || setresgid(OTHER, OTHER, OTHER) != 0 || setresuid(OTHER, OTHER, OTHER) != 0)
        return err_sys("become another user");
    return NULL;
}

static void run(enum probe_chain chain, const char *dir, int line)
{
    switch (chain) {
    case PROBE_SINGLE:
    case PROBE_FAKE:
        if (!say(line, STEP_USER, try_user()))
            return;
        try_proc(line);
        (void)say(line, STEP_OVERLAY, try_overlay(dir));
        if (chain == PROBE_SINGLE)
            (void)say(line, STEP_SUPERVISOR, try_filter(FILTER_NOTIFY));
        else
            (void)say(line, STEP_FAKE, try_filter(FILTER_FAKE));
        return;
    case PROBE_HOST:
        if (!say(line, STEP_NAMESPACES, try_namespaces()))
            return;
        try_proc(line);
        (void)say(line, STEP_OVERLAY, try_overlay(dir));
        (void)say(line, STEP_DEVICES, try_devices(dir));
        return;
    case PROBE_RANGE:
        (void)say(line, STEP_RANGE, range_try());
        return;
    case PROBE_CHROOT:
        if (say(line, STEP_OWNERS, try_owners(dir)))
            (void)say(line, STEP_CHROOT, try_chroot(dir));
        return;
    }
}

_Noreturn void probe_chain_run(enum probe_chain chain, const char *dir, int line)
{
    run(chain, dir, line);
    _exit(0);
}
