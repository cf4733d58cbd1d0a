/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "cli/csv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void fields_are_split(void **state)
{
    (void)state;
    static const struct {
        const char *text, *joined;
    } cases[] = {
        {"", ""},
        {"a", "a"},
        {"a,b", "a|b"},
        {"a,,b,", "a||b|"},
        {"\"a,b\",c", "a,b|c"},
        {"\"a\"\"b\"", "a\"b"},
        {"\"\"", ""},
        {"type=image,\"name=a,b\"", "type=image|name=a,b"},
        {" a , b", " a | b"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct strlist fields = {0};
        assert_null(csv_split(&fields, cases[i].text, "-o"));
        char *joined = strlist_join(&fields, "|");
        assert_string_equal(joined, cases[i].joined);
        free(joined);
        strlist_wipe(&fields);
    }
}

static void broken_quotes_are_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {"\"a", "\"a\"b", "a\"b\"", "a,\"", "\"a\"\""};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct strlist fields = {0};
        struct err *e = csv_split(&fields, cases[i], "--output");
        assert_non_null(e);
        assert_int_equal(err_kind_of(e), ERR_USAGE);
        err_free(e);
        strlist_wipe(&fields);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_split),
        cmocka_unit_test(broken_quotes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
