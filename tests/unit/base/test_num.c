/* SPDX-License-Identifier: Apache-2.0 */
#include "base/num.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define MINUTE INT64_C(60000000000)

static void checked_arithmetic(void **state)
{
    uint64_t n = 7;
    (void)state;
    assert_true(num_add(UINT64_MAX - 1, 1, &n) && n == UINT64_MAX);
    assert_false(num_add(UINT64_MAX, 1, &n));
    assert_true(num_mul(UINT64_MAX, 1, &n) && n == UINT64_MAX);
    assert_false(num_mul(UINT64_MAX / 2, 3, &n));
    assert_true(num_round_up(0, 512, &n) && n == 0);
    assert_true(num_round_up(1, 512, &n) && n == 512);
    assert_true(num_round_up(512, 512, &n) && n == 512);
    n = 7;
    assert_false(num_round_up(UINT64_MAX, 512, &n));
    assert_false(num_round_up(1, 0, &n));
    assert_int_equal(n, 7);
}

static void whole_numbers(void **state)
{
    static const struct {
        const char *text;
        uint64_t max;
        bool ok;
        uint64_t value;
    } rows[] = {
        {"0", 10, true, 0},
        {"10", 10, true, 10},
        {"11", 10, false, 0},
        {"007", 10, true, 7},
        {"18446744073709551615", UINT64_MAX, true, UINT64_MAX},
        {"18446744073709551616", UINT64_MAX, false, 0},
        {"99999999999999999999999", UINT64_MAX, false, 0},
        {"", 10, false, 0},
        {"-1", 10, false, 0},
        {"+1", 10, false, 0},
        {" 1", 10, false, 0},
        {"1 ", 10, false, 0},
        {"0x1", 10, false, 0},
        {"1a", 10, false, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t value = 99;
        assert_int_equal(num_parse(rows[i].text, rows[i].max, &value), rows[i].ok);
        assert_int_equal(value, rows[i].ok ? rows[i].value : 99);
    }
    uint64_t mode;
    assert_true(num_parse_octal("0755", 07777, &mode) && mode == 0755);
    assert_false(num_parse_octal("08", 07777, &mode));
    assert_false(num_parse_octal("10000", 07777, &mode));
    assert_false(num_parse_octal("", 07777, &mode));
}

static void signed_numbers(void **state)
{
    static const struct {
        const char *text;
        int64_t min, max;
        bool ok;
        int64_t value;
    } rows[] = {
        {"-5", -5, 5, true, -5},
        {"-6", -5, 5, false, 0},
        {"6", -5, 5, false, 0},
        {"-0", -5, 5, true, 0},
        {"9223372036854775807", INT64_MIN, INT64_MAX, true, INT64_MAX},
        {"9223372036854775808", INT64_MIN, INT64_MAX, false, 0},
        {"-9223372036854775808", INT64_MIN, INT64_MAX, true, INT64_MIN},
        {"-9223372036854775809", INT64_MIN, INT64_MAX, false, 0},
        {"-", INT64_MIN, INT64_MAX, false, 0},
        {"--1", INT64_MIN, INT64_MAX, false, 0},
        {"+1", INT64_MIN, INT64_MAX, false, 0},
        {"", INT64_MIN, INT64_MAX, false, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t value = 99;
        assert_int_equal(num_parse_signed(rows[i].text, rows[i].min, rows[i].max, &value), rows[i].ok);
        assert_true(value == (rows[i].ok ? rows[i].value : 99));
    }
}

static void sizes(void **state)
{
    static const struct {
        const char *text;
        bool ok;
        uint64_t bytes;
    } rows[] = {
        {"0", true, 0},
        {"17", true, 17},
        {"17b", true, 17},
        {"17B", true, 17},
        {"2k", true, 2048},
        {"2K", true, 2048},
        {"2kb", true, 2048},
        {"2KiB", true, 2048},
        {"3m", true, 3 << 20},
        {"1g", true, 1 << 30},
        {"1T", true, UINT64_C(1) << 40},
        {"16777215t", true, UINT64_C(16777215) << 40},
        {"16777216t", false, 0},
        {"", false, 0},
        {"k", false, 0},
        {"1x", false, 0},
        {"1bb", false, 0},
        {"1kk", false, 0},
        {"1 k", false, 0},
        {"1.5k", false, 0},
        {"-1k", false, 0},
        {"1kib ", false, 0},
        {"1ib", false, 0},
        {"1ki", false, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t bytes = 99;
        assert_int_equal(num_parse_size(rows[i].text, UINT64_MAX, &bytes), rows[i].ok);
        assert_int_equal(bytes, rows[i].ok ? rows[i].bytes : 99);
    }
    uint64_t bytes;
    assert_true(num_parse_size("1k", 1024, &bytes));
    assert_false(num_parse_size("1k", 1023, &bytes));
}

static void durations(void **state)
{
    static const struct {
        const char *text;
        bool ok;
        int64_t ns;
    } rows[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"5s", true, 5000000000},
        {"-5s", true, -5000000000},
        {"+5s", true, 5000000000},
        {"1h30m", true, 90 * MINUTE},
        {"1.5s", true, 1500000000},
        {".5s", true, 500000000},
        {"5.s", true, 5000000000},
        {"300ms", true, 300000000},
        {"7us", true, 7000},
        {"7\xc2\xb5s", true, 7000},
        {"7\xce\xbcs", true, 7000},
        {"12ns", true, 12},
        {"0.3333333333333333333h", true, 20 * MINUTE},
        {"0.830103483285477580700h", true, INT64_C(2988372539827)},
        {"9223372036854775807ns", true, INT64_MAX},
        {"-9223372036854775808ns", true, INT64_MIN},
        {"9223372036854775808ns", false, 0},
        {"2562047h47m16.854775808s", false, 0},
        {"99999999999999999999h", false, 0},
        {"", false, 0},
        {"-", false, 0},
        {"3", false, 0},
        {"00", false, 0},
        {"s", false, 0},
        {".", false, 0},
        {".s", false, 0},
        {"1d", false, 0},
        {"1s ", false, 0},
        {"1 s", false, 0},
        {"1s-1s", false, 0},
        {"1.2.3s", false, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t ns = 99;
        assert_int_equal(num_parse_duration(rows[i].text, &ns), rows[i].ok);
        assert_true(ns == (rows[i].ok ? rows[i].ns : 99));
    }
}

static void sizes_for_people(void **state)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } rows[] = {
        {0, "0 B"},
        {999, "999 B"},
        {1000, "1.0 kB"},
        {1049, "1.0 kB"},
        {1050, "1.1 kB"},
        {12345678, "12.3 MB"},
        {999949, "999.9 kB"},
        {999950, "1.0 MB"},
        {1000000, "1.0 MB"},
        {UINT64_C(5000000000), "5.0 GB"},
        {UINT64_MAX, "18.4 EB"},
    };
    char text[NUM_SIZE_TEXT];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_string_equal(num_size_text(rows[i].bytes, text), rows[i].text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checked_arithmetic), cmocka_unit_test(whole_numbers),
        cmocka_unit_test(signed_numbers),     cmocka_unit_test(sizes),
        cmocka_unit_test(durations),          cmocka_unit_test(sizes_for_people),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
