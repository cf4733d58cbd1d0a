/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_CHECK_H
#define LADE_BUILDER_CHECK_H

#include "base/diag.h"
#include "builder/dockerfile.h"

/* Report what is wrong with an instruction's words whatever the values of variables will be: a "${" that is
 * not closed, a modifier that does not exist, a --chmod or --chown without variables that is not valid. */
void check_words(const struct instr *instr, char escape, struct diag *diag);

#endif
