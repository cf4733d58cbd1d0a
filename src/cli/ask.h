/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_CLI_ASK_H
#define LADE_CLI_ASK_H

#include "base/attr.h"
#include "base/err.h"

#include <stdbool.h>

/* What only the user knows, from standard input. Results are new strings. */

/* One line from a terminal, with or without showing what is typed. ERR_USAGE when standard input is no
 * terminal; ERR_STOPPED, with the terminal as it was. */
MUST_USE struct err *ask_line(const char *prompt, bool visible, char **out);
/* All of standard input without the newline at its end, at most ASK_MAX bytes. */
MUST_USE struct err *ask_all(char **out);
#define ASK_MAX 65536

#endif
