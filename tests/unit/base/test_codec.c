/* SPDX-License-Identifier: Apache-2.0 */
#include "base/codec.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

static void hex(void **state)
{
    uint8_t bytes[4] = {0x00, 0x7f, 0xab, 0xff};
    char text[9];
    (void)state;
    codec_hex(bytes, 4, text);
    assert_string_equal(text, "007fabff");
    codec_hex(bytes, 0, text);
    assert_string_equal(text, "");
    uint8_t back[4];
    assert_true(codec_unhex("007fabff", 8, back, 4));
    assert_memory_equal(back, bytes, 4);
    assert_true(codec_unhex("", 0, back, 0));
    static const char *const bad[] = {"007fabf", "007fabf0f",  "007FABFF", "007fabfg",
                                      "007fab",  "007fabff00", " 07fabff"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(codec_unhex(bad[i], strlen(bad[i]), back, 4));
}

static void base64_of_rfc4648(void **state)
{
    static const char *const rows[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(mem_free) char *text = codec_base64(rows[i][0], strlen(rows[i][0]));
        assert_string_equal(text, rows[i][1]);
        AUTO_VALUE(buf_wipe) struct buf out = BUF(100);
        assert_true(codec_unbase64(text, strlen(text), &out));
        assert_string_equal(buf_text(&out), rows[i][0]);
        /* The same without padding. */
        buf_clear(&out);
        assert_true(codec_unbase64(text, strcspn(text, "="), &out));
        assert_string_equal(buf_text(&out), rows[i][0]);
    }
}

static void base64_alphabets(void **state)
{
    (void)state;
    AUTO_VALUE(buf_wipe) struct buf out = BUF(100);
    buf_str(&out, "<");
    assert_true(codec_unbase64("-_-_", 4, &out));
    assert_true(codec_unbase64("+/+/", 4, &out));
    assert_int_equal(out.len, 7);
    assert_memory_equal(out.data, "<\xfb\xff\xbf\xfb\xff\xbf", 7);
    AUTO(mem_free) char *text = codec_base64("\xfb\xff\xbf", 3);
    assert_string_equal(text, "+/+/");
}

static void base64_all_bytes(void **state)
{
    uint8_t bytes[256];
    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(255 - i);
    for (size_t len = 0; len <= sizeof bytes; len++) {
        AUTO(mem_free) char *text = codec_base64(bytes, len);
        AUTO_VALUE(buf_wipe) struct buf out = BUF(len);
        assert_true(codec_unbase64(text, strlen(text), &out));
        assert_int_equal(out.len, len);
        assert_false(out.full);
        if (len)
            assert_memory_equal(out.data, bytes, len);
    }
}

static void base64_not_valid(void **state)
{
    static const char *const rows[] = {
        "Z",     "Zm9vY", "Zg=",      "Zg===", "Z===",   "=",    "==",         "====",
        "Zm9v=", "Zm8==", "Zg==Zg==", "Zm 9v", "Zm9v\n", "Zm9*", "Z\xc3\xa4v",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_VALUE(buf_wipe) struct buf out = BUF(100);
        buf_str(&out, "x");
        assert_false(codec_unbase64(rows[i], strlen(rows[i]), &out));
        assert_string_equal(buf_text(&out), "x");
    }
}

static void base64_over_the_limit(void **state)
{
    (void)state;
    AUTO_VALUE(buf_wipe) struct buf out = BUF(2);
    assert_true(codec_unbase64("Zm9v", 4, &out));
    AUTO(err_free) struct err *e = buf_check(&out, "secret");
    assert_int_equal(err_kind_of(e), ERR_RESOURCE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hex),
        cmocka_unit_test(base64_of_rfc4648),
        cmocka_unit_test(base64_alphabets),
        cmocka_unit_test(base64_all_bytes),
        cmocka_unit_test(base64_not_valid),
        cmocka_unit_test(base64_over_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
