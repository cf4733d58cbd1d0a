/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_RUN_EMULATOR_H
#define LADE_BUILDER_RUN_EMULATOR_H

#include "base/attr.h"
#include "base/err.h"
#include "image/platform.h"
#include "sandbox/sandbox.h"

/* How programs of another architecture run here: the kernel may know already (binfmt_misc with a handler that
 * needs nothing in the root), else lade tells it for the command's namespace only, where qemu-user-static is
 * installed and Linux is 6.7 or later. */
struct run_emulator {
    char *path; /* of qemu; NULL: nothing is to be done */
    char *binfmt;
};
/* ERR_UNSUPPORTED says what to install. */
MUST_USE struct err *run_emulator_find(struct run_emulator *out, const struct platform *want,
                                       struct sandbox_way way);
void run_emulator_wipe(struct run_emulator *e);

/* The line for binfmt_misc/register; NULL: an architecture that lade does not know. New string. */
char *run_emulator_line(const struct platform *want, const char *qemu);

#endif
