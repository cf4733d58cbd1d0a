/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_SANDBOX_SUPERVISE_SETUP_H
#define LADE_SANDBOX_SUPERVISE_SETUP_H

#include "sandbox/inside.h"

#include <sys/types.h>

/* The command's process, as its supervisor sees it. */
struct supervised {
    pid_t pid;
    int pid_fd;
    int line;                /* to it, until it is the command; -1 then */
    struct emulate *emulate; /* NULL: nothing is emulated */
};
/* From an empty mount namespace to a command that is about to start. */
MUST_USE struct err *supervise_setup(struct inside *in, struct supervised *out);

#endif
