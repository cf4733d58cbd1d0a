/* SPDX-License-Identifier: Apache-2.0 */
#include "base/digest.h"
#include "base/codec.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define ABC_512                                                        \
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a" \
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"

static void parses_what_it_prints(void **state)
{
    static const char *const rows[] = {"sha256:" ABC, "sha512:" ABC_512};
    char text[DIGEST_TEXT];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct digest d;
        assert_null(digest_parse(&d, rows[i]));
        assert_true(digest_is_set(&d));
        assert_string_equal(digest_text(&d, text), rows[i]);
        assert_string_equal(digest_hex(&d, text), rows[i] + 7);
    }
}

static void refuses(void **state)
{
    static const struct {
        const char *text;
        enum err_kind kind;
    } rows[] = {
        {"", ERR_INPUT},
        {"sha256", ERR_INPUT},
        {"sha256:", ERR_INPUT},
        {":" ABC, ERR_INPUT},
        {ABC, ERR_INPUT},
        {"sha256:" ABC "0", ERR_INPUT},
        {"sha256:" ABC "00", ERR_INPUT},
        {"sha256:ba7816", ERR_INPUT},
        {"sha256:BA7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", ERR_INPUT},
        {"sha256:" ABC "\n", ERR_INPUT},
        {"sha256:../../../../etc/passwd", ERR_INPUT},
        {"sha512:" ABC, ERR_INPUT},
        {"SHA256:" ABC, ERR_INPUT},
        {"sha256 :" ABC, ERR_INPUT},
        {"sha256::" ABC, ERR_INPUT},
        {"+x:abc", ERR_INPUT},
        {"x+:abc", ERR_INPUT},
        {"x++y:abc", ERR_INPUT},
        {"md5:d41d8cd98f00b204e9800998ecf8427e", ERR_UNSUPPORTED},
        {"sha256+b64u:LCa0a2j_xo_5m0U8HTBBNBNCLXBkg7-g-YpeiGJm564", ERR_UNSUPPORTED},
        {"blake3:" ABC, ERR_UNSUPPORTED},
        {"sha2:abc", ERR_UNSUPPORTED},
        {"sha2560:" ABC, ERR_UNSUPPORTED},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct digest d = {.alg = DIGEST_NONE};
        AUTO(err_free) struct err *e = digest_parse(&d, rows[i].text);
        assert_non_null(e);
        assert_int_equal(err_kind_of(e), rows[i].kind);
        assert_false(digest_is_set(&d));
    }
    struct digest d;
    AUTO(err_free) struct err *e = digest_parse(&d, "a\x1b[2J");
    assert_string_equal(err_message(e),
                        "\"a\\x1b[2J\" is no digest: expected an algorithm, ':' and hex digits");
}

static void texts(void **state)
{
    struct digest none = {0};
    struct digest abc = digest_of("abc", 3);
    struct digest empty = digest_of(NULL, 0);
    char text[DIGEST_TEXT];
    char brief[DIGEST_SHORT];
    (void)state;
    assert_string_equal(digest_text(&none, text), "");
    assert_string_equal(digest_hex(&none, text), "");
    assert_string_equal(digest_short(&none, brief), "");
    assert_string_equal(digest_alg_name(&none), "");
    assert_string_equal(digest_text(&abc, text), "sha256:" ABC);
    assert_string_equal(digest_short(&abc, brief), "sha256:ba7816bf8f01");
    assert_string_equal(digest_alg_name(&abc), "sha256");
    assert_string_equal(digest_hex(&empty, text), EMPTY);
    assert_false(digest_equal(&abc, &empty));
    assert_true(digest_equal(&abc, &abc));
}

static void streams(void **state)
{
    char text[DIGEST_TEXT];
    (void)state;
    AUTO(hash_free) struct hash *h = hash_new(DIGEST_SHA256);
    hash_add(h, NULL, 0);
    struct digest d = hash_value(h);
    assert_string_equal(digest_hex(&d, text), EMPTY);
    hash_add(h, "a", 1);
    d = hash_value(h);
    hash_add(h, "bc", 2);
    d = hash_value(h);
    assert_string_equal(digest_hex(&d, text), ABC);
    d = hash_value(h);
    assert_string_equal(digest_hex(&d, text), ABC);
    hash_reset(h);
    d = hash_value(h);
    assert_string_equal(digest_hex(&d, text), EMPTY);

    AUTO(hash_free) struct hash *long_one = hash_new(DIGEST_SHA512);
    hash_add(long_one, "abc", 3);
    d = hash_value(long_one);
    assert_string_equal(digest_text(&d, text), "sha512:" ABC_512);
    hash_free(NULL);
}

static void states_are_kept_and_taken_up(void **state)
{
    static const size_t sizes[] = {0, 64, 4096, 1 << 20};
    char *data = calloc(1, (1 << 20) + 100);
    (void)state;
    for (size_t i = 0; i < (1 << 20) + 100; i++)
        data[i] = (char)(i * 31 + (i >> 8));
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        AUTO(hash_free) struct hash *first = hash_new(DIGEST_SHA256);
        struct hash_state kept;
        hash_add(first, data, sizes[i]);
        hash_save(first, &kept);
        assert_int_equal(kept.len, sizes[i]);
        AUTO(hash_free) struct hash *second = hash_resume(&kept);
        hash_add(second, data + sizes[i], 100);
        struct digest wanted = digest_of(data, sizes[i] + 100), found = hash_value(second);
        assert_true(digest_equal(&wanted, &found));
        hash_add(first, data + sizes[i], 100);
        found = hash_value(first);
        assert_true(digest_equal(&wanted, &found));
    }
    /* More than 4 GiB of bits in the length. */
    struct hash_state large = {.len = UINT64_C(1) << 40};
    struct hash_state same;
    AUTO(hash_free) struct hash *h = hash_resume(&large);
    hash_save(h, &same);
    assert_memory_equal(&large, &same, sizeof same);
    free(data);
}

/* RFC 4231, test cases 2 and 6. */
static void hmac(void **state)
{
    uint8_t mac[32];
    char text[65];
    uint8_t key[131];
    static const char data[] = "Test Using Larger Than Block-Size Key - Hash Key First";
    (void)state;
    hash_hmac("Jefe", 4, "what do ya want for nothing?", 28, mac);
    codec_hex(mac, 32, text);
    assert_string_equal(text, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof key);
    hash_hmac(key, sizeof key, data, sizeof data - 1, mac);
    codec_hex(mac, 32, text);
    assert_string_equal(text, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    hash_hmac(NULL, 0, NULL, 0, mac);
    codec_hex(mac, 32, text);
    assert_string_equal(text, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_what_it_prints),
        cmocka_unit_test(refuses),
        cmocka_unit_test(texts),
        cmocka_unit_test(streams),
        cmocka_unit_test(states_are_kept_and_taken_up),
        cmocka_unit_test(hmac),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
