/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_SANDBOX_PEER_H
#define LADE_SANDBOX_PEER_H

#include "base/attr.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What the kernel tells of another process in /proc/<thread>/status. Slow (10 µs). */
struct peer {
    mode_t umask;
    uint32_t fsuid, fsgid;
    uint64_t capabilities; /* in effect; bits of CAP_… */
};
/* `proc`: a descriptor of /proc. 0, or errno. */
MUST_USE int peer_read(struct peer *out, int proc, pid_t thread);
/* Is this the number that the thread has for itself, in its own namespace? */
bool peer_is_self(int proc, pid_t thread, pid_t number);

#endif
