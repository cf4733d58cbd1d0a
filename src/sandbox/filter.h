/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_SANDBOX_FILTER_H
#define LADE_SANDBOX_FILTER_H

#include "base/attr.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The seccomp filters that a command in the sandbox runs under: what is denied to it, and what the supervisor
 * answers. Filters are made before the command's process is started, and loaded in it. Calls and machines
 * that lade does not know do not exist for the command (ENOSYS).
 */
enum filter_emulation {
    FILTER_NONE,    /* deny list only */
    FILTER_NOTIFY,  /* chown, mknod, set*id, stat, … go to the supervisor */
    FILTER_DEVICES, /* mknod of devices only goes to the supervisor */
    FILTER_FAKE,    /* chown, mknod, set*id succeed and do nothing */
};
struct filter {
    void *program; /* struct sock_filter[] */
    unsigned short count;
    bool listens;
};
/* `copies`: with NOTIFY and DEVICES, what may copy a file of a lower layer up goes to the supervisor too.
 * `insecure`: no deny list. ERR_UNSUPPORTED on a processor that lade has no table of calls for. */
MUST_USE struct err *filter_make(struct filter *out, enum filter_emulation emulation, bool copies,
                                 bool insecure);
/* In the process that is to be confined. *listener is -1 when the filter has none. 0, or errno: EBUSY when
 * this process already has a supervisor. Async-signal-safe. no_new_privs, or CAP_SYS_ADMIN, must be set
 * before. From here on setrlimit(RLIMIT_RTTIME) is the supervisor's: see emulate_begin_process. */
int filter_load(const struct filter *f, int *listener);
void filter_wipe(struct filter *f);

#endif
