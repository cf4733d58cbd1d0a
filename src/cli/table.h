/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_CLI_TABLE_H
#define LADE_CLI_TABLE_H

#include "base/str.h"

#include <stddef.h>
#include <stdio.h>

/* Rows of text in aligned columns, two spaces between them, none at the end of a line. A zeroed struct is
 * empty. */
struct table {
    struct strlist cells;
    size_t columns; /* of the first row, which all others have too */
};

/* Copies the cells, which are safe to show. */
void table_row(struct table *t, size_t columns, const char *const *cells);
void table_print(const struct table *t, FILE *to);
void table_wipe(struct table *t);

#endif
