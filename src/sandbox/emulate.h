/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_SANDBOX_EMULATE_H
#define LADE_SANDBOX_EMULATE_H

#include "base/attr.h"
#include "base/err.h"
#include "base/owner.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/*
 * Root, for processes that have one id only: the supervisor's answers to the system calls that filter.h sends
 * to it (seccomp user notification). Owners and devices are records by inode of the merged root; credentials
 * are a token that each process carries and inherits. Whatever has no record goes on to the kernel.
 *
 * The supervisor shares the root directory and the mounts of the command, and stands in an ancestor of its
 * process namespace, or in the same. It is single-threaded, changes its umask for moments, and has all
 * capabilities in the namespace (CAP_SYS_PTRACE for programs that do not want to be looked at).
 */
struct emulate;

struct emulate_options {
    const struct owner_list *owners; /* of the root, by path: recorded at once */
    int root;                        /* a descriptor of the merged root directory; borrowed */
    int upper; /* a descriptor of the directory that changes go to: the overlay's upper one; without overlay
                  the root itself; -1: what is there cannot change. Borrowed for the call. Its files can
                  vanish and leave their inode's number to others, which those of lower layers cannot */
    int proc;  /* a descriptor of a /proc that shows the command's processes by the supervisor's numbers;
                  borrowed */
    bool devices_only; /* SANDBOX_RANGE: owners and credentials are real */
    uint32_t uid, gid; /* whom the command starts as */
    const uint32_t *groups;
    size_t group_count;
};
MUST_USE struct err *emulate_new(struct emulate **out, const struct emulate_options *options);
void emulate_free(struct emulate *e);
AUTO_DEFINE(struct emulate *, emulate_free)

/* Must the filter send what may copy files up (filter_make)? Some file of a lower layer has an owner and
 * several names. An overlay without an index of inodes makes another inode of it for each name that it copies
 * it up by. NULL: no. */
bool emulate_minds_copies(const struct emulate *e);

/* What the supervisor itself mounted in the root, and `fd` is open on (O_PATH), belongs to uid:gid. */
MUST_USE struct err *emulate_own(struct emulate *e, int fd, uint32_t uid, uint32_t gid);
/* The same of what is below it, and the list names, which is sorted. What is not there, and a device that
 * could not be one, is passed over. */
void emulate_own_below(struct emulate *e, int fd, const struct owner_list *owners);

/* Is anything recorded of what is mounted in the root? True when that cannot be told. */
bool emulate_knows_mounts(const struct emulate *e);

/* The command has ended: record what is still to be recorded. */
void emulate_settle(struct emulate *e);

/* In the command's process before filter_load: what its credentials token must be (setrlimit of the token's
 * limit). 0, or errno. Async-signal-safe. */
int emulate_begin_process(const struct emulate_options *options);

/* Answer what has come on the listener; called when poll(2) says anything about it. ERR_… only when going on
 * makes no sense. *ended: nobody is left who could ask. */
MUST_USE struct err *emulate_serve(struct emulate *e, int listener, bool *ended);

/* lstat of `name` in the directory `dirfd` of the merged root, as the command sees it, by the records: mode,
 * uid, gid and rdev, and nothing else. 0, or errno. *recorded (may be NULL): it has a record. */
int emulate_stat(const struct emulate *e, int dirfd, const char *name, struct stat *st, bool *recorded);

#endif
