/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_SANDBOX_EMULATE_INNER_H
#define LADE_SANDBOX_EMULATE_INNER_H

#include "sandbox/calls.h"
#include "sandbox/emulate.h"
#include "sandbox/records.h"
#include "sandbox/token.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What the files that answer calls share. */

/* A socket that a process is about to bind to a name, or a file that is about to get another one. */
#define PENDING_MAX 16
struct pending {
    int parent; /* owned */
    int file;   /* owned; the file; -1: a socket */
    char last[NAME_MAX + 1];
    uint32_t uid, gid;
};

#define ASKED_MAX 8

struct emulate {
    struct records *records;
    struct tokens *tokens;
    int root, proc; /* borrowed */
    uint32_t root_device_major, root_device_minor;
    bool devices_only;
    bool linked;            /* some record is `linked` */
    bool rooted;            /* some process may have another root directory than ours */
    bool wakes_here;        /* the listener's flag */
    pid_t asked[ASKED_MAX]; /* a ring: who asked, each once for all its questions in a row */
    size_t asked_last;
    int turns; /* how many take turns, see notify.c */
    struct pending pending[PENDING_MAX];
    size_t pending_count;
    /* By number: an index into calls_table plus 1; 0: nobody answers it. */
    uint8_t answered[CALLS_ARCHES][CALLS_NEWEST + 1];
};

/* A call that a thread of the command waits in. */
struct ask {
    struct emulate *e;
    int listener;
    uint64_t id;
    pid_t thread;
    enum calls_arch arch;
    enum calls_form form;
    enum call call;
    uint64_t arg[6];
};

/* What it gets. */
struct answer {
    enum { ANSWER_CONTINUE, ANSWER_VALUE, ANSWER_SENT } kind; /* the kernel does it; `value`; it has got it */
    int error;                                                /* errno, or 0 */
    int64_t value;
};
static inline struct answer answer_continue(void)
{
    return (struct answer){.kind = ANSWER_CONTINUE};
}
static inline struct answer answer_error(int error)
{
    return (struct answer){.kind = ANSWER_VALUE, .error = error};
}
static inline struct answer answer_value(int64_t value)
{
    return (struct answer){.kind = ANSWER_VALUE, .value = value};
}

/* Is the thread still waiting? To be asked before anything is changed that it named by an id of a process. */
bool ask_is_valid(const struct ask *a);
/* Give the thread a descriptor as the result of its call. 0: it has it; or errno. */
int ask_send_fd(const struct ask *a, int fd, bool close_on_exec);

/* The credentials of the process that asks. */
const struct credentials *ask_credentials(const struct ask *a);

/* One for each family of calls. */
struct answer answer_chown(struct ask *a);
struct answer answer_stat(struct ask *a);
struct answer answer_set_id(struct ask *a);
struct answer answer_get_id(struct ask *a);
struct answer answer_groups(struct ask *a);
struct answer answer_privilege(struct ask *a); /* capget, capset, prctl */
struct answer answer_limit(struct ask *a);
struct answer answer_create(struct ask *a);
struct answer answer_device(struct ask *a);
struct answer answer_umask(struct ask *a);
struct answer answer_bind(struct ask *a);
struct answer answer_socketcall(struct ask *a);
struct answer answer_link(struct ask *a);
struct answer answer_change(struct ask *a);
struct answer answer_exec(struct ask *a);
struct answer answer_root(struct ask *a);

/* pending.c: only the process itself can give these names. So what is to be recorded of them gets recorded
 * when the next question comes from anybody: before that, nobody can have asked. Of too many, the oldest is
 * dropped; `last` is copied. */
struct pending *pending_add(struct emulate *e, int parent_take, const char *last);
void pending_settle(struct emulate *e);
void pending_forget(struct emulate *e);

#endif
