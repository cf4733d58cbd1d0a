/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/filter_rules.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define FAIL(error) (SECCOMP_RET_ERRNO | (error))
#define ANY ((struct filter_test){.count = 0})
#define TEST(argument, bits, is_inside, values) \
    ((struct filter_test){argument, bits, is_inside, values, ARRAY_LEN(values)})
#define ALL_BITS UINT32_MAX
#define AF_ALG_NUMBER 38
#define AF_VSOCK_NUMBER 40

/* What Docker denies to a container without CAP_SYS_ADMIN, and what reaches parts of the kernel that a build
 * has no business with. */
static const char *const denied[] = {
    /* mounts and namespaces */
    "mount", "umount", "umount2", "pivot_root", "move_mount", "open_tree", "open_tree_attr", "fsopen",
    "fsconfig", "fsmount", "fspick", "mount_setattr", "unshare", "setns", "sethostname", "setdomainname",
    /* keys, programs and events in the kernel */
    "add_key", "keyctl", "request_key", "bpf", "perf_event_open", "userfaultfd", "fanotify_init",
    "lookup_dcookie", "syslog",
    /* the machine */
    "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "create_module",
    "query_module", "get_kernel_syms", "reboot", "swapon", "swapoff", "acct", "quotactl", "quotactl_fd",
    "settimeofday", "stime", "clock_settime", "clock_settime64", "iopl", "ioperm", "vhangup", "nfsservctl",
    "get_mempolicy", "set_mempolicy", "set_mempolicy_home_node", "mbind", "move_pages",
    /* files by number instead of name */
    "open_by_handle_at",
    /* relics */
    "uselib", "ustat", "sysfs", "_sysctl", "vm86", "vm86old"};

static const char *const rings[] = {"io_uring_setup", "io_uring_enter", "io_uring_register"};

static const uint32_t zero[] = {0};
static const uint32_t terminal_input[] = {TIOCSTI, TIOCLINUX};
static const uint32_t foreign_sockets[] = {AF_ALG_NUMBER, AF_VSOCK_NUMBER};
/* As Docker, and no randomisation of addresses (setarch -R). */
static const uint32_t personalities[] = {0, 8, 0x20000, 0x20008, 0x40000, 0x40008, 0xffffffff};
static const uint32_t devices[] = {S_IFCHR, S_IFBLK};
static const uint32_t privilege_options[] = {PR_GET_KEEPCAPS,   PR_SET_KEEPCAPS,     PR_GET_SECUREBITS,
                                             PR_SET_SECUREBITS, PR_SET_NO_NEW_PRIVS, PR_GET_NO_NEW_PRIVS};
static const uint32_t token_limit[] = {RLIMIT_RTTIME};
static const uint32_t socketcall_bind[] = {FILTER_SOCKETCALL_BIND};
static const uint32_t socketcall_socket[] = {FILTER_SOCKETCALL_SOCKET};
static const uint32_t socketcall_both[] = {FILTER_SOCKETCALL_SOCKET, FILTER_SOCKETCALL_BIND};

#define NEW_NAMESPACES                                                                            \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | \
     CLONE_NEWNET)
#define CREATES (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))
#define WRITES (O_ACCMODE | O_TRUNC | CREATES)

static bool has_number(const struct filter_rules *rules, int number)
{
    for (size_t i = 0; i < rules->count; i++) {
        if (rules->item[i].number == number)
            return true;
    }
    return false;
}

/* The first rule for a call stands. */
static void add(struct filter_rules *rules, enum calls_arch arch, const char *name, uint32_t action,
                struct filter_test test)
{
    struct filter_rule rule = {calls_number(arch, name), action, test};

    if (rule.number >= 0 && !has_number(rules, rule.number))
        MEM_PUSH(rules->item, rules->count, rules->room, rule);
}

static void deny(struct filter_rules *rules, enum calls_arch arch)
{
    for (size_t i = 0; i < ARRAY_LEN(denied); i++)
        add(rules, arch, denied[i], FAIL(EPERM), ANY);
    add(rules, arch, "clone", FAIL(EPERM), TEST(0, NEW_NAMESPACES, false, zero));
    /* Its flags are in memory, where a filter cannot see them; C libraries then use clone. */
    add(rules, arch, "clone3", FAIL(ENOSYS), ANY);
    add(rules, arch, "ioctl", FAIL(EPERM), TEST(1, ALL_BITS, true, terminal_input));
    add(rules, arch, "socket", FAIL(EPERM), TEST(0, ALL_BITS, true, foreign_sockets));
    add(rules, arch, "personality", FAIL(EPERM), TEST(0, ALL_BITS, false, personalities));
}

static bool is_device_call(enum call call)
{
    return call == CALL_MKNOD || call == CALL_MKNODAT;
}

static bool is_link_call(enum call call)
{
    return call == CALL_LINK || call == CALL_LINKAT;
}

static bool is_change(enum call call)
{
    return call >= CALL_CHANGE && call <= CALL_RENAMEAT2;
}

/* What may copy a file up, but chown, which the supervisor does itself. */
static bool copies_up(enum call call)
{
    return is_change(call) || is_link_call(call) || (call >= CALL_OPEN && call <= CALL_CREAT);
}

static bool is_faked(enum call call)
{
    return is_device_call(call) || (call >= CALL_CHOWN && call <= CALL_FCHOWNAT) ||
           (call >= CALL_SETUID && call <= CALL_SETGROUPS) || call == CALL_CAPSET;
}

static struct filter_test device_test(enum call call)
{
    return TEST(call == CALL_MKNOD ? 1 : 2, S_IFMT, true, devices);
}

static struct filter_test notify_test(const struct calls_entry *entry, bool copies, bool insecure)
{
    if (entry->call == CALL_OPEN)
        return TEST(1, copies ? WRITES : CREATES, false, zero);
    if (entry->call == CALL_OPENAT)
        return TEST(2, copies ? WRITES : CREATES, false, zero);
    if (entry->call == CALL_PRCTL)
        return TEST(0, ALL_BITS, true, privilege_options);
    if (entry->call == CALL_SETRLIMIT || entry->call == CALL_GETRLIMIT)
        return TEST(0, ALL_BITS, true, token_limit);
    if (entry->call == CALL_PRLIMIT)
        return TEST(1, ALL_BITS, true, token_limit);
    if (entry->call == CALL_SOCKETCALL && insecure)
        return TEST(0, ALL_BITS, true, socketcall_bind);
    if (entry->call == CALL_SOCKETCALL)
        return TEST(0, ALL_BITS, true, socketcall_both);
    return ANY;
}

static void emulate(struct filter_rules *rules, enum calls_arch arch, enum filter_emulation emulation,
                    bool copies, bool insecure)
{
    for (size_t i = 0; i < calls_table_count; i++) {
        const struct calls_entry *entry = &calls_table[i];

        if (is_change(entry->call) && !copies)
            continue;
        if (emulation == FILTER_NOTIFY || (emulation == FILTER_DEVICES && copies && copies_up(entry->call)))
            add(rules, arch, entry->name, SECCOMP_RET_USER_NOTIF, notify_test(entry, copies, insecure));
        else if (emulation == FILTER_DEVICES && is_device_call(entry->call))
            add(rules, arch, entry->name, SECCOMP_RET_USER_NOTIF, device_test(entry->call));
        else if (emulation == FILTER_DEVICES && is_link_call(entry->call))
            add(rules, arch, entry->name, SECCOMP_RET_USER_NOTIF, ANY);
        else if (emulation == FILTER_DEVICES && entry->call == CALL_SOCKETCALL && !insecure)
            add(rules, arch, entry->name, SECCOMP_RET_USER_NOTIF, TEST(0, ALL_BITS, true, socketcall_socket));
        else if (emulation == FILTER_FAKE && is_faked(entry->call))
            add(rules, arch, entry->name, FAIL(0),
                is_device_call(entry->call) ? device_test(entry->call) : ANY);
    }
}

static int compare(const void *a, const void *b)
{
    const struct filter_rule *left = a, *right = b;

    return (left->number > right->number) - (left->number < right->number);
}

void filter_rules_make(struct filter_rules *out, enum calls_arch arch, enum filter_emulation emulation,
                       bool copies, bool insecure)
{
    *out = (struct filter_rules){0};
    if (!insecure)
        deny(out, arch);
    /* They make and look at files without any of the calls that are emulated. */
    if (!insecure || emulation != FILTER_NONE) {
        for (size_t i = 0; i < ARRAY_LEN(rings); i++)
            add(out, arch, rings[i], FAIL(ENOSYS), ANY);
    }
    emulate(out, arch, emulation, copies, insecure);
    if (out->count > 0)
        qsort(out->item, out->count, sizeof *out->item, compare);
}

bool filter_rules_denied_socket(uint32_t family)
{
    for (size_t i = 0; i < ARRAY_LEN(foreign_sockets); i++)
        if (foreign_sockets[i] == family)
            return true;
    return false;
}

void filter_rules_wipe(struct filter_rules *rules)
{
    free(rules->item);
    *rules = (struct filter_rules){0};
}
