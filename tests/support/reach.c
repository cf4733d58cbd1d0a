/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can a command of RUN reach? It tries what it should not be able to do, says "reached NAME" for each
 * thing that works, and ends with the line "tried N". A first argument is a process outside that it tries to
 * reach by number.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static int tried;

static void reached(const char *name, bool worked)
{
    tried++;
    if (worked)
        printf("reached %s\n", name);
}

/* Numbers whose arguments do not matter: refused before anybody looks at them. */
static const struct {
    const char *name;
    long number;
} calls[] = {
    {"mount", SYS_mount},
    {"umount2", SYS_umount2},
    {"pivot_root", SYS_pivot_root},
    {"fsopen", SYS_fsopen},
    {"open_tree", SYS_open_tree},
    {"move_mount", SYS_move_mount},
    {"mount_setattr", SYS_mount_setattr},
    {"setns", SYS_setns},
    {"unshare", SYS_unshare},
    {"keyctl", SYS_keyctl},
    {"add_key", SYS_add_key},
    {"request_key", SYS_request_key},
    {"bpf", SYS_bpf},
    {"perf_event_open", SYS_perf_event_open},
    {"userfaultfd", SYS_userfaultfd},
    {"open_by_handle_at", SYS_open_by_handle_at},
    {"kexec_load", SYS_kexec_load},
    {"init_module", SYS_init_module},
    {"finit_module", SYS_finit_module},
    {"delete_module", SYS_delete_module},
    {"reboot", SYS_reboot},
    {"swapon", SYS_swapon},
    {"settimeofday", SYS_settimeofday},
    {"sethostname", SYS_sethostname},
    {"syslog", SYS_syslog},
    {"quotactl", SYS_quotactl},
    {"acct", SYS_acct},
    {"iopl", SYS_iopl},
    {"io_uring_setup", SYS_io_uring_setup},
    {"io_uring_enter", SYS_io_uring_enter},
    {"io_uring_register", SYS_io_uring_register},
    {"fanotify_init", SYS_fanotify_init},
    {"clone3", SYS_clone3},
};

static void try_calls(void)
{
    for (size_t i = 0; i < COUNT(calls); i++) {
        errno = 0;
        long result = syscall(calls[i].number, 0, 0, 0, 0, 0, 0);
        reached(calls[i].name, result >= 0 || (errno != EPERM && errno != ENOSYS));
    }
    /* The numbers of x32 programs. */
    errno = 0;
    reached("the x32 calls",
            syscall(0x40000000 + SYS_mount, 0, 0, 0, 0, 0) >= 0 || (errno != EPERM && errno != ENOSYS));
    for (int bit = 0x20000; bit <= 0x40000000 && bit > 0; bit <<= 1) {
        if (!(bit & (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
                     CLONE_NEWPID | CLONE_NEWNET)))
            continue;
        long pid = syscall(SYS_clone, bit | SIGCHLD, 0, 0, 0, 0);
        if (pid == 0)
            _exit(0);
        reached("clone with a namespace", pid > 0);
    }
}

static void try_terminal(void)
{
    static const unsigned long requests[] = {TIOCSTI, TIOCSTI | 1UL << 32, TIOCSTI | 0xdeadbeefUL << 32,
                                             TIOCLINUX};
    char letter = 'x';
    for (size_t i = 0; i < COUNT(requests); i++) {
        errno = 0;
        reached("the terminal", syscall(SYS_ioctl, 0, requests[i], &letter) == 0 || errno != EPERM);
    }
    reached("a controlling terminal", open("/dev/tty", O_RDWR) >= 0);
    reached("a session of another", getsid(0) != getpid() && getsid(0) == 0);
}

static void try_write(const char *path)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    tried++;
    if (fd >= 0)
        printf("reached %s\n", path);
    if (fd >= 0)
        close(fd);
}

/* One byte of it. */
static void try_read(const char *path)
{
    char byte;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    tried++;
    if (fd >= 0 && read(fd, &byte, 1) > 0)
        printf("reached %s to read\n", path);
    if (fd >= 0)
        close(fd);
}

static void try_files(void)
{
    static const char *const written[] = {
        "/proc/sysrq-trigger",
        "/proc/sys/kernel/core_pattern",
        "/proc/sys/kernel/modprobe",
        "/proc/sys/vm/drop_caches",
        "/proc/sys/kernel/hostname",
        "/proc/sys/fs/file-max",
        "/proc/irq/default_smp_affinity",
        "/proc/fs",
        "/sys/kernel/uevent_helper",
        "/sys/kernel/mm/transparent_hugepage/enabled",
        "/sys/power/state",
        "/sys/fs/cgroup/cgroup.procs",
        "/sys/kernel/profiling",
        "/proc/1/exe",
        "/proc/self/exe",
        "/proc/kcore",
        "/dev/mem",
        "/dev/kmsg",
        "/dev/sda",
        "/dev/vda",
        "/dev/fuse",
        "/dev/kvm",
        "/dev/loop-control",
    };
    static const char *const seen[] = {
        "/proc/kcore",
        "/proc/keys",
        "/proc/timer_list",
        "/proc/sched_debug",
        "/proc/interrupts",
        "/proc/scsi/scsi",
        "/proc/acpi/wakeup",
        "/sys/firmware/dmi/tables/DMI",
        "/sys/firmware/acpi/tables/DSDT",
        "/sys/devices/virtual/powercap/intel-rapl/enabled",
        "/sys/kernel/debug/sleep_time",
        "/sys/kernel/tracing/trace",
        "/proc/kmsg",
    };
    for (size_t i = 0; i < COUNT(written); i++)
        try_write(written[i]);
    for (size_t i = 0; i < COUNT(seen); i++)
        try_read(seen[i]);
    reached("a directory in /sys", mkdir("/sys/fs/cgroup/reach", 0755) == 0);
    reached("the root of process 1", access("/proc/1/root/work", F_OK) == 0);
}

/* Devices that are made here open nothing, wherever they are. */
static void try_devices(void)
{
    static const char *const places[] = {"/", "/dev", "/dev/shm", "/tmp", "/cache"};
    char path[64];
    for (size_t i = 0; i < COUNT(places); i++) {
        snprintf(path, sizeof path, "%s/reach-device", places[i]);
        if (mknod(path, S_IFCHR | 0666, makedev(1, 5)) == 0)
            try_read(path);
        (void)unlink(path);
    }
}

static void try_sockets(void)
{
    reached("a socket of virtual machines", socket(40, SOCK_STREAM, 0) >= 0);
}

static void try_descriptors(void)
{
    for (int fd = 3; fd < 4096; fd++)
        reached("a descriptor", fcntl(fd, F_GETFD) >= 0);
}

static void try_capabilities(void)
{
    char line[256];
    FILE *status = fopen("/proc/self/status", "re");
    while (status && fgets(line, sizeof line, status)) {
        unsigned long long value = 0;
        char *end;
        if (strncmp(line, "CapInh:", 7) != 0 && strncmp(line, "CapAmb:", 7) != 0 &&
            strncmp(line, "CapBnd:", 7) != 0)
            continue;
        value = strtoull(line + 7, &end, 16);
        reached(line[3] == 'B' ? "more capabilities than docker gives" : "capabilities that are handed on",
                line[3] == 'B' ? (value & ~0xa80425fbULL) != 0 : value != 0);
    }
    reached("no status", !status);
    if (status)
        fclose(status);
}

static void try_outside(pid_t pid)
{
    reached("a process outside by ptrace", ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0);
    reached("a process outside by a signal", kill(pid, SIGKILL) == 0);
    char path[64];
    static const char *const files[] = {"environ", "mem", "maps", "root/etc", "cwd/.", "fd/0", "exe"};
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    reached("a process outside by a descriptor",
            fd >= 0 && syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) == 0);
    for (size_t i = 0; i < COUNT(files); i++) {
        snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, files[i]);
        reached(path, open(path, O_RDONLY | O_CLOEXEC) >= 0);
    }
    (void)kill(-1, SIGUSR1);
}

int main(int argc, char **argv)
{
    (void)signal(SIGUSR1, SIG_IGN);
    try_descriptors();
    try_capabilities();
    try_calls();
    try_terminal();
    try_files();
    try_devices();
    try_sockets();
    if (argc > 1)
        try_outside((pid_t)strtoul(argv[1], NULL, 10));
    printf("tried %d\n", tried);
    return 0;
}
