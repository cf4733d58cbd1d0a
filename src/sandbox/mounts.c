/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"
#include "base/mem.h"
#include "sandbox/inside.h"
#include "sandbox/namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* The same that BuildKit and Docker mount in each container, with the same attributes. */
#define DEV_SIZE "65536k"
#define SHM_SIZE ((uint64_t)64 << 20)
#define QUIET (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

static const char *const proc_hidden[] = {
    "acpi",       "asound",      "interrupts",  "kcore", "keys", "latency_stats",
    "timer_list", "timer_stats", "sched_debug", "scsi",  NULL,
};
static const char *const proc_kept[] = {"bus", "fs", "irq", "sys", "sysrq-trigger", NULL};
static const char *const sys_hidden[] = {"firmware", "devices/virtual/powercap", NULL};
/* Where the host's /sys is bound with all that is mounted in it. */
static const char *const sys_mounted[] = {"kernel/debug", "kernel/tracing", "kernel/security",
                                          "fs/bpf",       "fs/pstore",      NULL};
static const char *const devices[] = {"null", "zero", "full", "random", "urandom", "tty"};
static const struct {
    const char *name, *target;
} links[] = {
    {"fd", "/proc/self/fd"},       {"stdin", "/proc/self/fd/0"}, {"stdout", "/proc/self/fd/1"},
    {"stderr", "/proc/self/fd/2"}, {"ptmx", "pts/ptmx"},         {"core", "/proc/kcore"},
};

/* A directory in /dev with something mounted on it. */
static struct err *mount_in(int dev, const char *name, int mount)
{
    AUTO(fd_close) int target = -1;

    if (mkdirat(dev, name, 0755) != 0)
        return err_sys("make /dev/%s", name);
    TRY(fs_open(&target, dev, name, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0));
    return err_wrap(mountfd_attach(mount, target, name), "in /dev");
}

static struct err *fill_dev(int dev)
{
    for (size_t i = 0; i < ARRAY_LEN(links); i++)
        if (symlinkat(links[i].target, dev, links[i].name) != 0)
            return err_sys("make /dev/%s", links[i].name);
    for (size_t i = 0; i < ARRAY_LEN(devices); i++) {
        AUTO(mem_free) char *path = mem_printf("/dev/%s", devices[i]);
        AUTO(fd_close) int node = -1;
        AUTO(fd_close) int target = -1;
        struct stat st;
        if (stat(path, &st) != 0 || !S_ISCHR(st.st_mode))
            continue;
        TRY(mountfd_clone(&node, AT_FDCWD, path, false));
        TRY(fs_open(&target, dev, devices[i], O_RDONLY | O_CREAT | O_EXCL, 0666));
        TRY(mountfd_attach(node, target, path));
    }
    return NULL;
}

static struct err *mount_pts(const struct sandbox_spec *spec, int dev)
{
    const struct mountfd_option options[] = {{"ptmxmode", "0666"}, {"mode", "0620"}, {"gid", "5"}};
    size_t count = ARRAY_LEN(options) - (namespaces_has_user(spec) ? 1 : 0);
    AUTO(fd_close) int mount = -1;

    TRY(mountfd_new(&mount, "devpts", options, count, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC));
    return mount_in(dev, "pts", mount);
}

static struct err *mount_dev(struct inside *in)
{
    static const struct mountfd_option options[] = {{"mode", "755"}, {"size", DEV_SIZE}};
    char size[24];
    const struct mountfd_option shared[] = {{"mode", "1777"}, {"size", size}};
    AUTO(fd_close) int target = -1;
    AUTO(fd_close) int shm = -1;
    AUTO(fd_close) int queues = -1;
    int dev = -1;

    snprintf(size, sizeof size, "%" PRIu64, in->spec.shm_size ? in->spec.shm_size : SHM_SIZE);
    TRY(targets_open_top(&in->targets, &target, "dev"));
    /* The devices there are mounts of their own; one that real root makes must not open a disk. */
    unsigned nodev = in->spec.insecure ? 0 : MOUNT_ATTR_NODEV;
    TRY(mountfd_new(&dev, "tmpfs", options, ARRAY_LEN(options),
                    MOUNT_ATTR_NOSUID | MOUNT_ATTR_STRICTATIME | nodev));
    int kept = dev;
    TRY(mountfd_add(&in->mounts, &dev, target, "/dev"));
    TRY(fill_dev(kept));
    TRY(mount_pts(&in->spec, kept));
    TRY(mountfd_new(&shm, "tmpfs", shared, ARRAY_LEN(shared), QUIET));
    TRY(mount_in(kept, "shm", shm));
    struct err *none = mountfd_new(&queues, "mqueue", NULL, 0, QUIET);
    if (!none)
        return mount_in(kept, "mqueue", queues);
    err_free(none); /* not every kernel has them */
    return NULL;
}

/* A new one is only had where the network is ours. */
static struct err *mount_sys(struct inside *in)
{
    AUTO(fd_close) int target = -1;
    bool bound = false;
    int sys = -1;

    TRY(targets_open_top(&in->targets, &target, "sys"));
    struct err *none = mountfd_new(&sys, "sysfs", NULL, 0, QUIET);
    if (none) {
        err_free(none);
        bound = true;
        none = mountfd_clone(&sys, AT_FDCWD, "/sys", true);
        if (none) {
            err_free(none); /* programs have to do without */
            return NULL;
        }
    }
    int kept = sys;
    if (!in->spec.insecure)
        TRY(mountfd_restrict(sys, MOUNT_ATTR_RDONLY | QUIET, "/sys"));
    TRY(mountfd_add(&in->mounts, &sys, target, "/sys"));
    if (in->spec.insecure)
        return NULL;
    TRY(masks_hide(kept, sys_hidden, "/sys"));
    return bound ? masks_hide(kept, sys_mounted, "/sys") : NULL;
}

struct err *mounts_system(struct inside *in)
{
    TRY(mount_dev(in));
    return mount_sys(in);
}

struct err *mounts_new_proc(int *out)
{
    return mountfd_new(out, "proc", NULL, 0, QUIET);
}

struct err *mounts_proc(struct inside *in, int *mount)
{
    AUTO(fd_close) int target = -1;
    int kept = *mount;

    TRY(targets_open_top(&in->targets, &target, "proc"));
    TRY(mountfd_add(&in->mounts, mount, target, "/proc"));
    if (in->spec.insecure)
        return NULL;
    TRY(masks_hide(kept, proc_hidden, "/proc"));
    return masks_keep(kept, proc_kept, "/proc");
}
