/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void finds_places(void **state)
{
    static const char text[] = " {\"a\": [1, {\"b\": \"x]\\\"}\"}, [[2]], true],\n"
                               "  \"\\u0063\\\"d\" : null, \"e\":{}}";
    static const struct {
        const char *path; /* parts between "/" */
        bool name;
        unsigned line, column, end_line, end_column;
    } rows[] = {
        {"", false, 1, 2, 2, 30},        {"a", true, 1, 3, 1, 6},          {"a", false, 1, 8, 1, 40},
        {"a/0", false, 1, 9, 1, 10},     {"a/1/b", true, 1, 13, 1, 16},    {"a/1/b", false, 1, 18, 1, 25},
        {"a/2", false, 1, 28, 1, 33},    {"a/2/0/0", false, 1, 30, 1, 31}, {"a/3", false, 1, 35, 1, 39},
        {"c\"d", true, 2, 3, 2, 14},     {"c\"d", false, 2, 17, 2, 21},    {"e", false, 2, 27, 2, 29},
        {"e/none", false, 2, 27, 2, 29}, {"none", false, 1, 2, 2, 30},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_VALUE(strlist_wipe) struct strlist path = {0};
        strlist_split(&path, rows[i].path, '/');
        struct span at = json_place(text, &path, rows[i].name);
        if (at.line != rows[i].line || at.column != rows[i].column || at.end_line != rows[i].end_line ||
            at.end_column != rows[i].end_column)
            print_message("row %zu: %u:%u-%u:%u\n", i, at.line, at.column, at.end_line, at.end_column);
        assert_int_equal(at.line, rows[i].line);
        assert_int_equal(at.column, rows[i].column);
        assert_int_equal(at.end_line, rows[i].end_line);
        assert_int_equal(at.end_column, rows[i].end_column);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(finds_places)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
