/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/namespaces.h"

#include "base/fs.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static struct err *write_proc(const char *path, const char *text)
{
    AUTO(fd_close) int fd = -1;

    TRY(fs_open(&fd, AT_FDCWD, path, O_WRONLY, 0));
    if (write(fd, text, strlen(text)) < 0)
        return err_sys("write %s", path);
    return NULL;
}

/* Without a map of groups a file system in the namespace has no owner that it could give to what is new. */
struct err *namespaces_enter_single(int flags, uint32_t uid, uint32_t gid)
{
    AUTO(mem_free) char *user = mem_printf("%u %u 1\n", uid, (unsigned)geteuid());
    AUTO(mem_free) char *group = mem_printf("%u %u 1\n", gid, (unsigned)getegid());

    if (unshare(CLONE_NEWUSER | flags) != 0)
        return err_as(err_sys("create a user namespace"), ERR_UNSUPPORTED);
    TRY(err_as(write_proc("/proc/self/setgroups", "deny"), ERR_UNSUPPORTED));
    TRY(err_as(write_proc("/proc/self/gid_map", group), ERR_UNSUPPORTED));
    return err_as(write_proc("/proc/self/uid_map", user), ERR_UNSUPPORTED);
}

static struct err *raise_loopback(void)
{
    struct ifreq request = {.ifr_name = "lo"};
    AUTO(fd_close) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return errno == EAFNOSUPPORT ? NULL : err_sys("open a socket");
    if (ioctl(fd, SIOCGIFFLAGS, &request) != 0)
        return err_sys("ask for the loopback device");
    request.ifr_flags = (short)(request.ifr_flags | IFF_UP | IFF_RUNNING);
    if (ioctl(fd, SIOCSIFFLAGS, &request) != 0)
        return err_sys("start the loopback device");
    return NULL;
}

struct err *namespaces_enter(const struct sandbox_spec *spec)
{
    int flags = spec->network == SANDBOX_NETWORK_NONE ? CLONE_NEWNET : 0;

    if (spec->way.ids != SANDBOX_CHROOT)
        flags |= CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS;
    if (spec->way.own_proc)
        flags |= CLONE_NEWPID;
    if (namespaces_has_user(spec)) {
        bool fake = spec->way.ids == SANDBOX_FAKE;
        TRY(namespaces_enter_single(flags, fake ? spec->uid : 0, fake ? spec->gid : 0));
    } else if (flags && unshare(flags) != 0) {
        return err_as(err_sys("create namespaces"), ERR_UNSUPPORTED);
    }
    if (spec->network == SANDBOX_NETWORK_NONE)
        TRY(raise_loopback());
    if (spec->way.ids == SANDBOX_CHROOT)
        return NULL;
    /* Hides where lade stands among the control groups; old kernels have none. */
    (void)unshare(CLONE_NEWCGROUP);
    /* Podman's filter lets its containers mount, but not do this; then they keep the name they have. */
    if (spec->hostname && sethostname(spec->hostname, strlen(spec->hostname)) != 0 && errno != EPERM)
        return err_sys("set the host name");
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return err_as(err_sys("make the mounts private"), ERR_UNSUPPORTED);
    return NULL;
}

pid_t namespaces_fork(bool tied)
{
    pid_t parent = getpid();
    pid_t pid = fork();

    if (pid != 0 || !tied)
        return pid;
    /* In a new process namespace the parent is nobody (0); it then holds a pipe that tells. */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != 0 && getppid() != parent)
        _exit(1);
    return 0;
}
