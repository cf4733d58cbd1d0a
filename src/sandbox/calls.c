/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/calls.h"

#include "base/attr.h"
#include "base/str.h"

#include <linux/audit.h>
#include <seccomp.h>

#if defined __x86_64__
#define AUDIT_NATIVE AUDIT_ARCH_X86_64
#define AUDIT_COMPAT AUDIT_ARCH_I386
#define TABLE_NATIVE SCMP_ARCH_X86_64
#define TABLE_COMPAT SCMP_ARCH_X86
#elif defined __aarch64__
#define AUDIT_NATIVE AUDIT_ARCH_AARCH64
#define AUDIT_COMPAT AUDIT_ARCH_ARM
#define TABLE_NATIVE SCMP_ARCH_AARCH64
#define TABLE_COMPAT SCMP_ARCH_ARM
#else
#define AUDIT_NATIVE 0
#define AUDIT_COMPAT 0
#define TABLE_NATIVE SCMP_ARCH_NATIVE
#define TABLE_COMPAT SCMP_ARCH_NATIVE
#endif

const struct calls_entry calls_table[] = {
    {"chown", CALL_CHOWN, CALLS_NARROW},
    {"chown32", CALL_CHOWN, CALLS_WIDE},
    {"lchown", CALL_LCHOWN, CALLS_NARROW},
    {"lchown32", CALL_LCHOWN, CALLS_WIDE},
    {"fchown", CALL_FCHOWN, CALLS_NARROW},
    {"fchown32", CALL_FCHOWN, CALLS_WIDE},
    {"fchownat", CALL_FCHOWNAT, CALLS_WIDE},
    {"stat", CALL_STAT, CALLS_NARROW},
    {"stat64", CALL_STAT, CALLS_WIDE},
    {"lstat", CALL_LSTAT, CALLS_NARROW},
    {"lstat64", CALL_LSTAT, CALLS_WIDE},
    {"fstat", CALL_FSTAT, CALLS_NARROW},
    {"fstat64", CALL_FSTAT, CALLS_WIDE},
    {"newfstatat", CALL_FSTATAT, CALLS_WIDE},
    {"fstatat64", CALL_FSTATAT, CALLS_WIDE},
    {"statx", CALL_STATX, CALLS_WIDE},
    {"setuid", CALL_SETUID, CALLS_NARROW},
    {"setuid32", CALL_SETUID, CALLS_WIDE},
    {"setgid", CALL_SETGID, CALLS_NARROW},
    {"setgid32", CALL_SETGID, CALLS_WIDE},
    {"setreuid", CALL_SETREUID, CALLS_NARROW},
    {"setreuid32", CALL_SETREUID, CALLS_WIDE},
    {"setregid", CALL_SETREGID, CALLS_NARROW},
    {"setregid32", CALL_SETREGID, CALLS_WIDE},
    {"setresuid", CALL_SETRESUID, CALLS_NARROW},
    {"setresuid32", CALL_SETRESUID, CALLS_WIDE},
    {"setresgid", CALL_SETRESGID, CALLS_NARROW},
    {"setresgid32", CALL_SETRESGID, CALLS_WIDE},
    {"setfsuid", CALL_SETFSUID, CALLS_NARROW},
    {"setfsuid32", CALL_SETFSUID, CALLS_WIDE},
    {"setfsgid", CALL_SETFSGID, CALLS_NARROW},
    {"setfsgid32", CALL_SETFSGID, CALLS_WIDE},
    {"setgroups", CALL_SETGROUPS, CALLS_NARROW},
    {"setgroups32", CALL_SETGROUPS, CALLS_WIDE},
    {"getuid", CALL_GETUID, CALLS_NARROW},
    {"getuid32", CALL_GETUID, CALLS_WIDE},
    {"geteuid", CALL_GETEUID, CALLS_NARROW},
    {"geteuid32", CALL_GETEUID, CALLS_WIDE},
    {"getgid", CALL_GETGID, CALLS_NARROW},
    {"getgid32", CALL_GETGID, CALLS_WIDE},
    {"getegid", CALL_GETEGID, CALLS_NARROW},
    {"getegid32", CALL_GETEGID, CALLS_WIDE},
    {"getresuid", CALL_GETRESUID, CALLS_NARROW},
    {"getresuid32", CALL_GETRESUID, CALLS_WIDE},
    {"getresgid", CALL_GETRESGID, CALLS_NARROW},
    {"getresgid32", CALL_GETRESGID, CALLS_WIDE},
    {"getgroups", CALL_GETGROUPS, CALLS_NARROW},
    {"getgroups32", CALL_GETGROUPS, CALLS_WIDE},
    {"capget", CALL_CAPGET, CALLS_WIDE},
    {"capset", CALL_CAPSET, CALLS_WIDE},
    {"prctl", CALL_PRCTL, CALLS_WIDE},
    {"setrlimit", CALL_SETRLIMIT, CALLS_NARROW},
    {"getrlimit", CALL_GETRLIMIT, CALLS_NARROW},
    {"ugetrlimit", CALL_GETRLIMIT, CALLS_NARROW},
    {"prlimit64", CALL_PRLIMIT, CALLS_WIDE},
    {"open", CALL_OPEN, CALLS_WIDE},
    {"openat", CALL_OPENAT, CALLS_WIDE},
    {"openat2", CALL_OPENAT2, CALLS_WIDE},
    {"creat", CALL_CREAT, CALLS_WIDE},
    {"mkdir", CALL_MKDIR, CALLS_WIDE},
    {"mkdirat", CALL_MKDIRAT, CALLS_WIDE},
    {"symlink", CALL_SYMLINK, CALLS_WIDE},
    {"symlinkat", CALL_SYMLINKAT, CALLS_WIDE},
    {"mknod", CALL_MKNOD, CALLS_WIDE},
    {"mknodat", CALL_MKNODAT, CALLS_WIDE},
    {"bind", CALL_BIND, CALLS_WIDE},
    {"socketcall", CALL_SOCKETCALL, CALLS_NARROW},
    {"execve", CALL_EXECVE, CALLS_WIDE},
    {"execveat", CALL_EXECVEAT, CALLS_WIDE},
    {"umask", CALL_UMASK, CALLS_WIDE},
    {"chroot", CALL_CHROOT, CALLS_WIDE},
    {"pivot_root", CALL_CHROOT, CALLS_WIDE},
    {"unshare", CALL_CHROOT, CALLS_WIDE},
    {"setns", CALL_CHROOT, CALLS_WIDE},
    {"link", CALL_LINK, CALLS_WIDE},
    {"linkat", CALL_LINKAT, CALLS_WIDE},
    {"chmod", CALL_CHANGE, CALLS_WIDE},
    {"truncate", CALL_CHANGE, CALLS_WIDE},
    {"truncate64", CALL_CHANGE, CALLS_WIDE},
    {"utime", CALL_CHANGE, CALLS_WIDE},
    {"utimes", CALL_CHANGE, CALLS_WIDE},
    {"setxattr", CALL_CHANGE, CALLS_WIDE},
    {"removexattr", CALL_CHANGE, CALLS_WIDE},
    {"lsetxattr", CALL_CHANGE_LINK, CALLS_WIDE},
    {"lremovexattr", CALL_CHANGE_LINK, CALLS_WIDE},
    {"rename", CALL_CHANGE_LINK, CALLS_WIDE},
    {"fchmod", CALL_CHANGE_FD, CALLS_WIDE},
    {"fsetxattr", CALL_CHANGE_FD, CALLS_WIDE},
    {"fremovexattr", CALL_CHANGE_FD, CALLS_WIDE},
    {"fchmodat", CALL_CHANGE_AT, CALLS_WIDE},
    {"futimesat", CALL_CHANGE_AT, CALLS_WIDE},
    {"setxattrat", CALL_CHANGE_AT_FLAGS, CALLS_WIDE},
    {"removexattrat", CALL_CHANGE_AT_FLAGS, CALLS_WIDE},
    {"fchmodat2", CALL_CHANGE_AT_LAST, CALLS_WIDE},
    {"utimensat", CALL_CHANGE_AT_LAST, CALLS_WIDE},
    {"utimensat_time64", CALL_CHANGE_AT_LAST, CALLS_WIDE},
    {"renameat", CALL_RENAMEAT, CALLS_WIDE},
    {"renameat2", CALL_RENAMEAT2, CALLS_WIDE},
};
const size_t calls_table_count = ARRAY_LEN(calls_table);

/* What the library names by its own numbers on i386, or does not know yet. Calls have had one number on all
 * machines since 424. */
static const struct {
    const char *name;
    int native, i386;
} numbers[] = {
    {"socket", 0, 359},  {"bind", 0, 361},         {"cachestat", 451, 451},     {"fchmodat2", 452, 452},
    {"mseal", 462, 462}, {"setxattrat", 463, 463}, {"removexattrat", 466, 466}, {"open_tree_attr", 467, 467},
};

uint32_t calls_audit(enum calls_arch arch)
{
    return arch == CALLS_NATIVE ? AUDIT_NATIVE : AUDIT_COMPAT;
}

int calls_number(enum calls_arch arch, const char *name)
{
    uint32_t table = arch == CALLS_NATIVE ? TABLE_NATIVE : TABLE_COMPAT;
    int number = seccomp_syscall_resolve_name_arch(table, name);

    if (number >= 0)
        return number;
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        if (!str_eq(numbers[i].name, name))
            continue;
        if (arch == CALLS_COMPAT && table == SCMP_ARCH_X86)
            return numbers[i].i386;
        if (numbers[i].native > 0)
            return numbers[i].native;
    }
    return -1;
}
