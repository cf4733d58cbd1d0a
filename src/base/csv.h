/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BASE_CSV_H
#define LADE_BASE_CSV_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

/* One line of comma-separated fields as docker reads them (RFC 4180): a field that begins with a double quote
 * ends with one, and has two for each within. `out` is cleared first. ERR_INPUT says what is wrong, without
 * the text. */
MUST_USE struct err *csv_fields(struct strlist *out, const char *text);

#endif
