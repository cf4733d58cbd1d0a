/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Start a command as a poor or locked-down environment would: env_like [OPTION]… COMMAND [ARGUMENT]…
 *   --caps SET       keep only these capabilities, in the bounding set too: docker, crio or none
 *   --user N         this user and group, no other groups, no capabilities
 *   --nnp            no new privileges, as Kubernetes' allowPrivilegeEscalation: false
 *   --filter SET     answer EPERM: docker (its default profile without CAP_SYS_ADMIN), mounts (as AppArmor
 * where a user namespace may be made and has no power), filters (nobody may load a filter)
 *   --listener       a supervisor of system calls stands above already
 *   --no-userns      the limit of user namespaces is 0 (in a namespace of our own)
 *   --mask-proc      a tmpfs covers a part of /proc
 *   --read-only DIR  all is read-only but a new tmpfs on DIR
 *   --overlay DIR    DIR is an overlay
 * It ends with 125 when the environment cannot be made.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define BIT(capability) (1ULL << (capability))
#define CRIO                                                                                        \
    (BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FSETID) | BIT(CAP_FOWNER) | BIT(CAP_SETGID) | \
     BIT(CAP_SETUID) | BIT(CAP_SETPCAP) | BIT(CAP_NET_BIND_SERVICE) | BIT(CAP_KILL))
#define DOCKER \
    (CRIO | BIT(CAP_MKNOD) | BIT(CAP_NET_RAW) | BIT(CAP_SETFCAP) | BIT(CAP_SYS_CHROOT) | BIT(CAP_AUDIT_WRITE))
#define PERMIT (SECCOMP_RET_ERRNO | EPERM)
#define NEW_NAMESPACES 0x7e020000u
#define PROGRAM_MAX 300
#define ARGUMENT 16 /* where the first one stands in struct seccomp_data */

static const int docker_list[] = {
    SYS_mount,         SYS_umount2,
    SYS_pivot_root,    SYS_unshare,
    SYS_setns,         SYS_fsopen,
    SYS_fsconfig,      SYS_fsmount,
    SYS_fspick,        SYS_open_tree,
    SYS_move_mount,    SYS_mount_setattr,
    SYS_keyctl,        SYS_add_key,
    SYS_request_key,   SYS_bpf,
    SYS_userfaultfd,   SYS_perf_event_open,
    SYS_kexec_load,    SYS_init_module,
    SYS_finit_module,  SYS_delete_module,
    SYS_reboot,        SYS_swapon,
    SYS_swapoff,       SYS_acct,
    SYS_settimeofday,  SYS_open_by_handle_at,
    SYS_sethostname,   SYS_io_uring_setup,
    SYS_quotactl,      SYS_iopl,
    SYS_ioperm,        SYS_io_uring_enter,
    SYS_setdomainname, SYS_io_uring_register,
};
static const int mount_list[] = {SYS_mount,         SYS_umount2,    SYS_pivot_root, SYS_fsopen,
                                 SYS_fsconfig,      SYS_fsmount,    SYS_open_tree,  SYS_move_mount,
                                 SYS_mount_setattr, SYS_sethostname};

struct wanted {
    uint64_t caps;
    bool few_caps, nnp, listener, no_userns, mask_proc;
    long user; /* -1: as it is */
    const char *filter, *read_only, *overlay;
};

static void die(const char *what)
{
    fprintf(stderr, "env_like: %s: %s\n", what, strerror(errno));
    exit(125);
}

static void check(int result, const char *what)
{
    if (result != 0)
        die(what);
}

static void write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        die(path);
    close(fd);
}

/* Only a process outside of a user namespace may give it ids that are not its own. */
static void map_from_outside(pid_t pid, int go)
{
    char path[64], byte;
    static const char *const names[] = {"uid_map", "gid_map"};
    if (read(go, &byte, 1) != 1)
        _exit(1);
    for (size_t i = 0; i < COUNT(names); i++) {
        snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, names[i]);
        write_text(path, "0 0 4294967295");
    }
    _exit(0);
}

/* A user namespace that knows all ids, has all capabilities, and in which nobody makes another. */
static void forbid_user_namespaces(void)
{
    int go[2], status;
    pid_t self = getpid();
    check(pipe2(go, O_CLOEXEC), "make a pipe");
    pid_t pid = fork();
    if (pid < 0)
        die("start a process");
    if (pid == 0) {
        close(go[1]);
        map_from_outside(self, go[0]);
    }
    check(unshare(CLONE_NEWUSER), "create a user namespace");
    if (write(go[1], "", 1) != 1 || waitpid(pid, &status, 0) < 0)
        die("map ids");
    close(go[0]);
    close(go[1]);
    write_text("/proc/sys/user/max_user_namespaces", "0");
}

static void make_overlay(const char *dir)
{
    char scratch[] = "/tmp/env-like-XXXXXX", path[64], options[256];
    static const char *const names[] = {"lower", "upper", "work"};
    if (!mkdtemp(scratch))
        die("make a directory");
    check(mount("env-like", scratch, "tmpfs", 0, NULL), "mount a tmpfs");
    for (size_t i = 0; i < COUNT(names); i++) {
        snprintf(path, sizeof path, "%s/%s", scratch, names[i]);
        check(mkdir(path, 0755), path);
        check(chmod(path, 01777), path);
    }
    snprintf(options, sizeof options, "lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work", scratch, scratch,
             scratch);
    check(mount("overlay", dir, "overlay", 0, options), "mount an overlay");
    check(umount2(scratch, MNT_DETACH), "hide the overlay's parts");
    check(rmdir(scratch), scratch);
}

static void make_read_only(const char *dir)
{
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY};
    check(mount("env-like", dir, "tmpfs", 0, "mode=1777"), "mount a tmpfs");
    check((int)syscall(SYS_mount_setattr, AT_FDCWD, "/", AT_RECURSIVE, &attributes, sizeof attributes),
          "make all read-only");
    attributes = (struct mount_attr){.attr_clr = MOUNT_ATTR_RDONLY};
    check((int)syscall(SYS_mount_setattr, AT_FDCWD, dir, 0, &attributes, sizeof attributes), dir);
    check((int)syscall(SYS_mount_setattr, AT_FDCWD, "/dev", AT_RECURSIVE, &attributes, sizeof attributes),
          "/dev");
    check((int)syscall(SYS_mount_setattr, AT_FDCWD, "/proc", 0, &attributes, sizeof attributes), "/proc");
}

static void change_mounts(const struct wanted *w)
{
    if (!w->mask_proc && !w->read_only && !w->overlay)
        return;
    check(unshare(CLONE_NEWNS), "create a mount namespace");
    check(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "make the mounts private");
    if (w->mask_proc)
        check(mount("env-like", "/proc/bus", "tmpfs", MS_RDONLY, NULL), "mask a part of /proc");
    if (w->overlay)
        make_overlay(w->overlay);
    if (w->read_only)
        make_read_only(w->read_only);
}

struct program {
    struct sock_filter item[PROGRAM_MAX];
    unsigned short count;
};

static void add(struct program *p, unsigned short code, uint32_t value, unsigned char yes, unsigned char no)
{
    if (p->count == PROGRAM_MAX)
        die("the filter is too long");
    p->item[p->count++] = (struct sock_filter){code, yes, no, value};
}

static void answer(struct program *p, int number, uint32_t action)
{
    add(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 1);
    add(p, BPF_RET | BPF_K, action, 0, 0);
}

/* When the first argument has one of these bits. */
static void answer_bits(struct program *p, int number, uint32_t bits)
{
    add(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 4);
    add(p, BPF_LD | BPF_W | BPF_ABS, ARGUMENT, 0, 0);
    add(p, BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1);
    add(p, BPF_RET | BPF_K, PERMIT, 0, 0);
    add(p, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
}

static int load(struct program *p, unsigned flags)
{
    struct sock_fprog program = {p->count, p->item};
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

static void begin(struct program *p)
{
    p->count = 0;
    add(p, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
}

static void filter(const char *set)
{
    struct program p;
    begin(&p);
    if (strcmp(set, "docker") == 0) {
        for (size_t i = 0; i < COUNT(docker_list); i++)
            answer(&p, docker_list[i], PERMIT);
        answer(&p, SYS_clone3, SECCOMP_RET_ERRNO | ENOSYS);
        answer_bits(&p, SYS_clone, NEW_NAMESPACES);
    } else if (strcmp(set, "mounts") == 0) {
        for (size_t i = 0; i < COUNT(mount_list); i++)
            answer(&p, mount_list[i], PERMIT);
    } else if (strcmp(set, "filters") == 0) {
        answer(&p, SYS_seccomp, PERMIT);
    } else {
        errno = EINVAL;
        die(set);
    }
    add(&p, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
    check(load(&p, 0), "load a filter");
}

/* The descriptor must stay open, or there is no supervisor any more: a parent of the command has it. */
static void stand_above(void)
{
    struct program p;
    int status;
    begin(&p);
    answer(&p, SYS_lookup_dcookie, SECCOMP_RET_USER_NOTIF);
    add(&p, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
    int listener = load(&p, SECCOMP_FILTER_FLAG_NEW_LISTENER);
    if (listener < 0)
        die("load a filter with a listener");
    pid_t pid = fork();
    if (pid < 0)
        die("start a process");
    if (pid == 0) {
        check(prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0), "tie the command");
        close(listener);
        return;
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    _exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

static void drop(uint64_t keep)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
    for (int c = 0; c < 64 && prctl(PR_CAPBSET_READ, c, 0, 0, 0) >= 0; c++)
        if (!(keep & BIT(c)) && prctl(PR_CAPBSET_READ, c, 0, 0, 0) == 1)
            check(prctl(PR_CAPBSET_DROP, c, 0, 0, 0), "drop a capability of the bounding set");
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    for (size_t i = 0; i < COUNT(data); i++)
        data[i].effective = data[i].permitted = (uint32_t)(keep >> (32 * i));
    check((int)syscall(SYS_capset, &head, data), "drop capabilities");
}

static void become(const struct wanted *w)
{
    if (w->user >= 0) {
        unsigned id = (unsigned)w->user;
        if (w->few_caps)
            drop(BIT(CAP_SETUID) | BIT(CAP_SETGID) | BIT(CAP_SETPCAP));
        check(setgroups(0, NULL), "leave groups");
        check(setresgid(id, id, id), "change the group");
        check(setresuid(id, id, id), "change the user");
        check(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0), "be as others");
    } else if (w->few_caps) {
        drop(w->caps);
    }
    if (w->nnp)
        check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "give up new privileges");
}

static char **read_options(struct wanted *w, int argc, char **argv)
{
    int i = 1;
    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        const char *name = argv[i] + 2, *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(name, "nnp") == 0)
            w->nnp = true;
        else if (strcmp(name, "listener") == 0)
            w->listener = true;
        else if (strcmp(name, "no-userns") == 0)
            w->no_userns = true;
        else if (strcmp(name, "mask-proc") == 0)
            w->mask_proc = true;
        else if (i++, strcmp(name, "filter") == 0)
            w->filter = value;
        else if (strcmp(name, "read-only") == 0)
            w->read_only = value;
        else if (strcmp(name, "overlay") == 0)
            w->overlay = value;
        else if (strcmp(name, "user") == 0)
            w->user = (long)strtoul(value, NULL, 10);
        else if (strcmp(name, "caps") == 0) {
            w->few_caps = true;
            w->caps = strcmp(value, "docker") == 0 ? DOCKER : strcmp(value, "crio") == 0 ? CRIO : 0;
        } else {
            errno = EINVAL;
            die(name);
        }
    }
    return argv + i;
}

int main(int argc, char **argv)
{
    struct wanted w = {.user = -1};
    char **command = read_options(&w, argc, argv);
    if (!*command) {
        errno = EINVAL;
        die("no command");
    }
    change_mounts(&w);
    if (w.no_userns)
        forbid_user_namespaces();
    if (geteuid() != 0)
        check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "give up new privileges");
    if (w.listener)
        stand_above();
    if (w.filter)
        filter(w.filter);
    become(&w);
    execvp(command[0], command);
    die(command[0]);
}
