/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "builder/glob.h"

enum answer { NO, YES, BAD };

static void matches(void **state)
{
    static const struct {
        const char *pattern, *name;
        enum answer answer;
    } rows[] = {
        {"abc", "abc", YES},
        {"*", "abc", YES},
        {"*c", "abc", YES},
        {"a*", "a", YES},
        {"a*", "abc", YES},
        {"a*", "ab/c", NO},
        {"a*/b", "abc/b", YES},
        {"a*/b", "a/c/b", NO},
        {"a*b*c*d*e*/f", "axbxcxdxe/f", YES},
        {"a*b*c*d*e*/f", "axbxcxdxexxx/f", YES},
        {"a*b*c*d*e*/f", "axbxcxdxe/xxx/f", NO},
        {"a*b*c*d*e*/f", "axbxcxdxexxx/fff", NO},
        {"a*b?c*x", "abxbbxdbxebxczzx", YES},
        {"a*b?c*x", "abxbbxdbxebxczzy", NO},
        {"ab[c]", "abc", YES},
        {"ab[b-d]", "abc", YES},
        {"ab[e-g]", "abc", NO},
        {"ab[^c]", "abc", NO},
        {"ab[^b-d]", "abc", NO},
        {"ab[^e-g]", "abc", YES},
        {"a\\*b", "a*b", YES},
        {"a\\*b", "ab", NO},
        {"a?b",
         "a\xe2\x98\xba"
         "b",
         YES},
        {"a[^a]b",
         "a\xe2\x98\xba"
         "b",
         YES},
        {"a???b",
         "a\xe2\x98\xba"
         "b",
         NO},
        {"a[^a][^a][^a]b",
         "a\xe2\x98\xba"
         "b",
         NO},
        {"[a-\xce\xb6]*", "\xce\xb1", YES},
        {"*[a-\xce\xb6]", "A", NO},
        {"a?b", "a/b", NO},
        {"a*b", "a/b", NO},
        {"[\\]a]", "]", YES},
        {"[\\-]", "-", YES},
        {"[x\\-]", "x", YES},
        {"[x\\-]", "-", YES},
        {"[x\\-]", "z", NO},
        {"[\\-x]", "x", YES},
        {"[\\-x]", "-", YES},
        {"[\\-x]", "a", NO},
        {"[]a]", "]", BAD},
        {"[-]", "-", BAD},
        {"[x-]", "x", BAD},
        {"[x-]", "-", BAD},
        {"[x-]", "z", BAD},
        {"[-x]", "x", BAD},
        {"[-x]", "-", BAD},
        {"[-x]", "a", BAD},
        {"\\", "a", BAD},
        {"[a-b-c]", "a", BAD},
        {"[", "a", BAD},
        {"[^", "a", BAD},
        {"[^bc", "a", BAD},
        {"a[", "a", BAD},
        {"a[", "ab", BAD},
        {"a[", "x", BAD},
        {"a/b[", "x", BAD},
        {"*x", "xxx", YES},
        /* Not in Go's own table. */
        {"", "", YES},
        {"", "a", NO},
        {"*", "", YES},
        {"?", "", NO},
        {"***", "abc", YES},
        {"**", "a/b", NO},
        {"a[^b]c", "a/c", YES},
        {"[*]", "*", YES},
        {"[*]", "a", NO},
        {"arr[[]0].txt", "arr[0].txt", YES},
        {"[c-a]", "b", NO},
        {"?", "\xff", YES},
        {"\xff?", "\xff\xfe", YES},
        {"[\xff]", "\xff", BAD},
        {"a*", "a\nb", YES},
        {"*.go", ".go", YES},
        {"sub/*/dir2/foo", "sub/dir1/dir2/foo", YES},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        bool bad = glob_fault(rows[i].pattern) != NULL;
        bool hit = glob_match(rows[i].pattern, rows[i].name);
        if (bad != (rows[i].answer == BAD) || hit != (rows[i].answer == YES))
            fail_msg("%s on %s: match %d, fault %d", rows[i].pattern, rows[i].name, hit, bad);
    }
}

static void wildcards(void **state)
{
    static const struct {
        const char *pattern;
        bool has;
    } rows[] = {
        {"", false},   {"a/b", false},  {"*", true},     {"a?", true},  {"a[b]", true},
        {"a]", false}, {"a\\*", false}, {"\\\\*", true}, {"\\", false}, {"a\\?*", true},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(glob_has_wildcards(rows[i].pattern), rows[i].has);
}

/* A pattern that makes backtracking matchers run for ever. */
static void stays_fast(void **state)
{
    char pattern[2001], name[4001];
    (void)state;
    for (size_t i = 0; i < 1000; i++)
        memcpy(pattern + 2 * i, "*a", 2);
    pattern[2000] = '\0';
    memset(name, 'a', 4000);
    name[3999] = 'b';
    name[4000] = '\0';
    assert_false(glob_match(pattern, name));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches),
        cmocka_unit_test(wildcards),
        cmocka_unit_test(stays_fast),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
