/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/table.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>
#include <wchar.h>

static size_t width_of(const char *text)
{
    size_t width = 0, len = strlen(text);
    for (size_t at = 0; at < len;) {
        uint32_t code = 0;
        size_t bytes = str_utf8_next(text + at, len - at, &code);
        if (bytes == 0)
            return width + len - at;
        int columns = wcwidth((wchar_t)code);
        width += columns < 0 ? 1 : (size_t)columns;
        at += bytes;
    }
    return width;
}

void table_row(struct table *t, size_t columns, const char *const *cells)
{
    assert(t->cells.count == 0 || t->columns == columns);
    t->columns = columns;
    for (size_t i = 0; i < columns; i++)
        strlist_add(&t->cells, cells[i]);
}

void table_print(const struct table *t, FILE *to)
{
    AUTO(mem_free) size_t *width = mem_zero(t->columns + 1, sizeof *width);
    for (size_t i = 0; i < t->cells.count; i++) {
        size_t here = width_of(t->cells.item[i]);
        if (here > width[i % t->columns])
            width[i % t->columns] = here;
    }
    for (size_t i = 0; i < t->cells.count; i++) {
        size_t column = i % t->columns;
        const char *text = t->cells.item[i];
        if (column + 1 == t->columns)
            fprintf(to, "%s\n", text);
        else
            fprintf(to, "%s%*s", text, (int)(width[column] - width_of(text) + 2), "");
    }
}

void table_wipe(struct table *t)
{
    strlist_wipe(&t->cells);
}
