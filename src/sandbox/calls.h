/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_SANDBOX_CALLS_H
#define LADE_SANDBOX_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * System calls by name and by what they mean. A machine has two tables of numbers that programs can use, its
 * own and that of its 32-bit programs; both name the same calls, with different widths. The door to
 * libseccomp in this part: it knows the numbers.
 */
enum calls_arch {
    CALLS_NATIVE, /* 64 bits */
    CALLS_COMPAT, /* 32 bits: i386 on x86-64, arm on arm64 */
};
#define CALLS_ARCHES 2

/* The value of seccomp_data.arch; 0 when lade does not know this machine's. */
uint32_t calls_audit(enum calls_arch arch);

/* The number of a call, or -1: this table has none of that name. */
int calls_number(enum calls_arch arch, const char *name);

/* No number above this is in use on the machines that lade knows: newer calls are unknown to it. */
#define CALLS_NEWEST 469

/* What the supervisor answers. */
enum call {
    CALL_NONE,
    CALL_CHOWN,
    CALL_LCHOWN,
    CALL_FCHOWN,
    CALL_FCHOWNAT,
    CALL_STAT,
    CALL_LSTAT,
    CALL_FSTAT,
    CALL_FSTATAT,
    CALL_STATX,
    CALL_SETUID,
    CALL_SETGID,
    CALL_SETREUID,
    CALL_SETREGID,
    CALL_SETRESUID,
    CALL_SETRESGID,
    CALL_SETFSUID,
    CALL_SETFSGID,
    CALL_SETGROUPS,
    CALL_GETUID,
    CALL_GETEUID,
    CALL_GETGID,
    CALL_GETEGID,
    CALL_GETRESUID,
    CALL_GETRESGID,
    CALL_GETGROUPS,
    CALL_CAPGET,
    CALL_CAPSET,
    CALL_PRCTL,
    CALL_SETRLIMIT,
    CALL_GETRLIMIT,
    CALL_PRLIMIT,
    CALL_OPEN,
    CALL_OPENAT,
    CALL_OPENAT2,
    CALL_CREAT,
    CALL_MKDIR,
    CALL_MKDIRAT,
    CALL_SYMLINK,
    CALL_SYMLINKAT,
    CALL_MKNOD,
    CALL_MKNODAT,
    CALL_BIND,
    CALL_SOCKETCALL, /* 32-bit programs: bind, and socket */
    CALL_EXECVE,
    CALL_EXECVEAT,
    CALL_CHROOT,
    CALL_UMASK,
    CALL_LINK,
    CALL_LINKAT,
    /* What else copies a file up, by where its arguments name the file. */
    CALL_CHANGE,      /* a path, links followed */
    CALL_CHANGE_LINK, /* a path */
    CALL_CHANGE_FD,
    CALL_CHANGE_AT,       /* a directory and a path */
    CALL_CHANGE_AT_FLAGS, /* and flags in the third argument */
    CALL_CHANGE_AT_LAST,  /* and flags in the fourth */
    CALL_RENAMEAT,
    CALL_RENAMEAT2,
    CALL_COUNT,
};

/* How the structures of a call are laid out; for 64-bit programs it is always CALLS_WIDE. */
enum calls_form {
    CALLS_WIDE,   /* of the 32-bit ones too: 32-bit ids, struct stat64, … */
    CALLS_NARROW, /* 16-bit ids, the old struct stat, 32-bit limits */
};

struct calls_entry {
    const char *name;
    enum call call;
    enum calls_form compat; /* the form that it has in the 32-bit table */
};
extern const struct calls_entry calls_table[];
extern const size_t calls_table_count;

#endif
