/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_CLI_FORM_H
#define LADE_CLI_FORM_H

#include "base/attr.h"
#include "base/err.h"

#include <stdbool.h>

/* --format of commands that print a table: "table" (also when `text` is NULL) or "json". ERR_USAGE. */
MUST_USE struct err *form_parse(const char *text, bool *json);

#endif
