/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

static void comparisons(void **state)
{
    static const struct {
        const char *a, *b;
        bool eq, nocase;
    } rows[] = {
        {"a", "a", true, true},      {"a", "A", false, true},
        {"a", "ab", false, false},   {"", "", true, true},
        {"[", "{", false, false},    {NULL, NULL, true, true},
        {NULL, "", false, false},    {"", NULL, false, false},
        {"Zz9", "zZ9", false, true}, {"\xc3\xa4", "\xc3\x84", false, false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(str_eq(rows[i].a, rows[i].b), rows[i].eq);
        assert_int_equal(str_eq_nocase(rows[i].a, rows[i].b), rows[i].nocase);
    }
    assert_true(str_starts("abc", "ab") && str_starts("abc", "") && !str_starts("ab", "abc"));
    assert_true(str_ends("abc", "bc") && str_ends("abc", "") && !str_ends("bc", "abc") &&
                !str_ends("abc", "ab"));
    assert_true(str_empty(NULL) && str_empty("") && !str_empty(" "));
}

static void trims(void **state)
{
    static const char *const rows[][2] = {
        {"", ""}, {" \t\r\n\v\f", ""}, {" a b ", "a b"}, {"a", "a"}, {"\xc2\xa0x", "\xc2\xa0x"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(mem_free) char *text = str_trim(rows[i][0]);
        assert_string_equal(text, rows[i][1]);
    }
}

static void utf8(void **state)
{
    static const struct {
        const char *text;
        size_t len;
        bool valid;
    } rows[] = {
        {"", 0, true},
        {"abc", 3, true},
        {"a\0b", 3, true},
        {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 9, true},
        {"\xf4\x8f\xbf\xbf", 4, true},  /* U+10FFFF */
        {"\xf4\x90\x80\x80", 4, false}, /* beyond it */
        {"\xed\x9f\xbf", 3, true},
        {"\xed\xa0\x80", 3, false}, /* surrogate */
        {"\xc0\x80", 2, false},     /* longer than needed */
        {"\xc1\xbf", 2, false},
        {"\xe0\x9f\xbf", 3, false},
        {"\xf0\x8f\xbf\xbf", 4, false},
        {"\xc3", 1, false}, /* cut */
        {"\xe2\x82", 2, false},
        {"\x80", 1, false},
        {"\xff", 1, false},
        {"\xe2\x82z", 3, false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(str_utf8_valid(rows[i].text, rows[i].len), rows[i].valid);
    uint32_t code = 0;
    assert_int_equal(str_utf8_next("\xf0\x9f\x98\x80z", 5, &code), 4);
    assert_int_equal(code, 0x1f600);
    assert_int_equal(str_utf8_next("", 0, &code), 0);
}

static void escapes(void **state)
{
    static const struct {
        const char *text;
        size_t len, max;
        const char *safe;
    } rows[] = {
        {"plain", 5, 10, "plain"},
        {"a\nb\x1b[0m\x7f", 8, 99, "a\\x0ab\\x1b[0m\\x7f"},
        {"a\0b", 3, 99, "a\\x00b"},
        {"\xff\xc3", 2, 99, "\\xff\\xc3"},
        {"\xc3\xa4\xe2\x82\xac", 5, 99, "\xc3\xa4\xe2\x82\xac"},
        {"\xe2\x80\xae", 3, 99, "\\u{202e}"},
        {"\xe2\x81\xa6", 3, 99, "\\u{2066}"},
        {"\xc2\x9b", 2, 99, "\\u{009b}"},
        {"abcdef", 6, 6, "abcdef"},
        {"abcdef", 6, 5, "abcde\xe2\x80\xa6"},
        {"ab\xe2\x82\xac", 5, 4, "ab\xe2\x80\xa6"}, /* no half code point */
        {"ab\n", 3, 4, "ab\xe2\x80\xa6"},           /* no half escape */
        {"abc", 3, 0, "\xe2\x80\xa6"},
        {"", 0, 0, ""},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(mem_free) char *safe = str_escape(rows[i].text, rows[i].len, rows[i].max);
        assert_string_equal(safe, rows[i].safe);
    }
    char text[3000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    AUTO(mem_free) char *safe = str_safe(text);
    assert_int_equal(strlen(safe), 1024 + 3);
}

static void splits_and_joins(void **state)
{
    static const struct {
        const char *text;
        size_t count;
        const char *joined;
    } rows[] = {
        {"", 0, ""}, {"a", 1, "a"}, {"a,b", 2, "a|b"}, {",", 2, "|"}, {"a,,b,", 4, "a||b|"}, {",a", 2, "|a"},
    };
    (void)state;
    AUTO_VALUE(strlist_wipe) struct strlist list = {0};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        strlist_split(&list, rows[i].text, ',');
        assert_int_equal(list.count, rows[i].count);
        AUTO(mem_free) char *joined = strlist_join(&list, "|");
        assert_string_equal(joined, rows[i].joined);
    }
}

static void lists(void **state)
{
    (void)state;
    AUTO_VALUE(strlist_wipe) struct strlist list = {0};
    AUTO_VALUE(strlist_wipe) struct strlist copy = {0};
    strlist_sort(&list);
    strlist_add(&list, "b");
    strlist_add(&list, "\xc3\xa4");
    strlist_add_take(&list, mem_strdup("B"));
    strlist_add(&list, "a");
    strlist_sort(&list);
    AUTO(mem_free) char *sorted = strlist_join(&list, " ");
    assert_string_equal(sorted, "B a b \xc3\xa4");
    assert_true(strlist_has(&list, "a") && !strlist_has(&list, "A"));
    strlist_add(&copy, "old");
    strlist_copy(&copy, &list);
    strlist_copy(&copy, &copy);
    assert_int_equal(copy.count, 4);
    strlist_remove(&copy, 3);
    strlist_remove(&copy, 0);
    AUTO(mem_free) char *left = strlist_join(&copy, " ");
    assert_string_equal(left, "a b");
}

static void maps(void **state)
{
    (void)state;
    AUTO_VALUE(strmap_wipe) struct strmap map = {0};
    AUTO_VALUE(strmap_wipe) struct strmap copy = {0};
    assert_null(strmap_get(&map, "a"));
    strmap_remove(&map, "a");
    strmap_sort(&map);
    for (int i = 30; i > 0; i--) {
        AUTO(mem_free) char *key = mem_printf("k%02d", i);
        strmap_set(&map, key, "v");
    }
    strmap_set(&map, "k10", "new");
    strmap_set(&map, "k10", strmap_get(&map, "k10"));
    assert_int_equal(map.count, 30);
    assert_string_equal(map.key[0], "k30");
    assert_string_equal(strmap_get(&map, "k10"), "new");
    strmap_copy(&copy, &map);
    strmap_sort(&copy);
    assert_string_equal(copy.key[0], "k01");
    assert_string_equal(copy.value[9], "new");
    strmap_remove(&copy, "k01");
    strmap_remove(&copy, "k30");
    assert_int_equal(copy.count, 28);
    assert_string_equal(copy.key[0], "k02");
    assert_null(strmap_get(&copy, "k30"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comparisons),
        cmocka_unit_test(trims),
        cmocka_unit_test(utf8),
        cmocka_unit_test(escapes),
        cmocka_unit_test(splits_and_joins),
        cmocka_unit_test(lists),
        cmocka_unit_test(maps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
