/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_SANDBOX_TOKEN_H
#define LADE_SANDBOX_TOKEN_H

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * The credentials that processes believe to have. Each process carries the number of its credentials where
 * the kernel keeps it, gives it to children, and keeps it over exec: in its soft limit of RLIMIT_RTTIME,
 * which means nothing to processes that are not scheduled in real time (and these numbers are decades).
 * A process without a token has number 0, which is root.
 */
struct credentials {
    uint32_t uid, euid, suid, fsuid;
    uint32_t gid, egid, sgid, fsgid;
    uint32_t securebits;
    bool permitted, effective; /* capabilities: all that the process really has, or none */
    bool no_new_privs;
    bool umask_known; /* then umask follows umask(2); asking the kernel for it is slow */
    uint32_t umask;
    const uint32_t *groups;
    size_t group_count;
};

struct tokens;
struct tokens *tokens_new(void);
void tokens_free(struct tokens *t);
AUTO_DEFINE(struct tokens *, tokens_free)

/* Borrowed; valid until the next tokens_number. */
const struct credentials *tokens_get(const struct tokens *t, size_t number);
/* The number of these credentials; the groups are copied. SIZE_MAX: there are too many already. */
size_t tokens_number(struct tokens *t, const struct credentials *c);

/* The token of a process, by the id of any of its threads. */
size_t token_read(pid_t thread);
/* 0, or errno. */
MUST_USE int token_write(pid_t thread, size_t number);
/* Of this process itself; async-signal-safe. */
MUST_USE int token_begin(size_t number);

/* The number that tokens_number gives to the credentials which are asked for first. */
#define TOKEN_FIRST 1U

#endif
