/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_SANDBOX_BINFMT_H
#define LADE_SANDBOX_BINFMT_H

#include "sandbox/inside.h"

/* Tell the kernel, in this user namespace only, how programs of spec.binfmt are run (Linux 6.7 or later).
 * Before the root is entered: the emulator is the host's. */
MUST_USE struct err *binfmt_register(struct inside *in);

#endif
