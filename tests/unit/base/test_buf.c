/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

static void appends(void **state)
{
    (void)state;
    AUTO_VALUE(buf_wipe) struct buf b = BUF(BUF_NO_LIMIT);
    assert_string_equal(buf_text(&b), "");
    buf_add(&b, NULL, 0);
    assert_non_null(b.data);
    buf_add(&b, "a\0b", 3);
    buf_byte(&b, '-');
    buf_str(&b, "text");
    buf_printf(&b, "%d", 42);
    assert_int_equal(b.len, 10);
    assert_memory_equal(b.data, "a\0b-text42", 11);
    assert_null(buf_check(&b, "b"));
    buf_clear(&b);
    assert_int_equal(b.len, 0);
    assert_string_equal(buf_text(&b), "");
}

static void maximum_is_exact(void **state)
{
    static const struct {
        size_t max;
        const char *parts[3];
        bool full;
        const char *text;
    } rows[] = {
        {0, {"", "", ""}, false, ""},       {0, {"a", "", ""}, true, ""},
        {3, {"abc", "", ""}, false, "abc"}, {3, {"abc", "d", ""}, true, "abc"},
        {3, {"abcd", "a", "b"}, true, ""}, /* what comes after an overflow is dropped too */
        {3, {"a", "b", "c"}, false, "abc"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_VALUE(buf_wipe) struct buf b = BUF(rows[i].max);
        AUTO_VALUE(buf_wipe) struct buf bytes = BUF(rows[i].max);
        for (size_t p = 0; p < 3; p++)
            buf_str(&b, rows[i].parts[p]);
        assert_string_equal(buf_text(&b), rows[i].text);
        assert_int_equal(b.full, rows[i].full);
        for (const char *c = rows[i].parts[0]; *c; c++)
            buf_byte(&bytes, *c);
        assert_true(bytes.len <= bytes.max);
        assert_int_equal(bytes.full, strlen(rows[i].parts[0]) > rows[i].max);
    }
}

static void check_names_the_limit(void **state)
{
    (void)state;
    AUTO_VALUE(buf_wipe) struct buf b = BUF(2);
    buf_printf(&b, "%s", "abc");
    AUTO(err_free) struct err *e = buf_check(&b, "the list");
    assert_int_equal(err_kind_of(e), ERR_RESOURCE);
    assert_string_equal(err_message(e), "the list is larger than 2 bytes");
    buf_clear(&b);
    assert_null(buf_check(&b, "the list"));
    buf_str(&b, "ab");
    assert_string_equal(buf_text(&b), "ab");
}

static void reserve_then_length(void **state)
{
    (void)state;
    AUTO_VALUE(buf_wipe) struct buf b = BUF(10);
    char *place = buf_reserve(&b, 10);
    assert_non_null(place);
    memset(place, 'x', 10);
    b.len += 4;
    assert_string_equal(buf_text(&b), "xxxx");
    assert_null(buf_reserve(&b, 7));
    assert_true(b.full);
    AUTO(mem_free) char *text = buf_take(&b);
    assert_string_equal(text, "xxxx");
    assert_int_equal(b.max, 10);
    assert_false(b.full);
    AUTO(mem_free) char *nothing = buf_take(&b);
    assert_string_equal(nothing, "");
}

static void many_bytes_and_long_prints(void **state)
{
    char name[1000];
    (void)state;
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    AUTO_VALUE(buf_wipe) struct buf b = BUF(1 << 20);
    for (unsigned i = 0; i < 100000; i++)
        buf_byte(&b, (char)('a' + i % 26));
    buf_printf(&b, "<%s>", name);
    assert_int_equal(b.len, 101001);
    assert_int_equal(strlen(buf_text(&b)), b.len);
    assert_int_equal(b.data[99999], 'a' + 99999 % 26);
    assert_int_equal(b.data[101000], '>');
    /* 255, 256 and 257: around the room on the stack. */
    for (int len = 255; len <= 257; len++) {
        buf_clear(&b);
        buf_printf(&b, "%*s", len, "x");
        assert_int_equal(b.len, len);
        assert_int_equal(b.data[len - 1], 'x');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends),
        cmocka_unit_test(maximum_is_exact),
        cmocka_unit_test(check_names_the_limit),
        cmocka_unit_test(reserve_then_length),
        cmocka_unit_test(many_bytes_and_long_prints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
