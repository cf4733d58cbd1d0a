/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_SANDBOX_PROGRAM_H
#define LADE_SANDBOX_PROGRAM_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

/* Become the program argv[0], looked up in PATH of `env` when it has no slash. Returns only when that fails:
 * ERR_STEP, and *status as shells have it: 127 when there is no such program, 126 when it cannot be run. */
MUST_USE struct err *program_start(const struct strlist *argv, const struct strlist *env, int *status);

#endif
