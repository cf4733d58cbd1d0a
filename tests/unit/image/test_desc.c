/* SPDX-License-Identifier: Apache-2.0 */
#include "help.h"

#include "base/json.h"
#include "base/str.h"
#include "image/desc.h"
#include "image/digestset.h"

static struct err *parse(struct desc *out, const char *text)
{
    AUTO(json_decref) json_t *object = NULL;
    ok(json_parse(&object, text, strlen(text), "doc"));
    return desc_from_json(out, object, "doc");
}

static void round_trip(void **state)
{
    static const char text[] =
        "{\"mediaType\":\"application/x\",\"digest\":\"" DIGEST_A "\",\"size\":7,\"urls\":[\"https://x/y\"],"
        "\"annotations\":{\"a\":\"1\",\"b\":\"2\"},\"platform\":{\"architecture\":\"amd64\",\"os\":\"linux\"}"
        ","
        "\"artifactType\":\"application/y\"}";
    AUTO_VALUE(desc_wipe) struct desc d = {0}, copy = {0};
    (void)state;
    ok(parse(&d, text));
    desc_copy(&copy, &d);
    AUTO(json_decref) json_t *object = desc_to_json(&copy);
    AUTO(mem_free) char *printed = json_text(object);
    assert_string_equal(printed, text);
    struct digest b = digest_from(DIGEST_B);
    desc_set(&copy, copy.media_type, &b, 9);
    assert_string_equal(copy.media_type, "application/x");
    assert_int_equal(copy.size, 9);
}

static void takes(void **state)
{
    static const char *const rows[] = {
        "{\"mediaType\":\"a/b\",\"digest\":\"" DIGEST_A "\",\"size\":0}",
        "{\"mediaType\":\"a/b\",\"digest\":\"" DIGEST_A "\",\"size\":1125899906842624}",
        "{\"mediaType\":\"a/b\",\"digest\":\"" DIGEST_A
        "\",\"size\":1,\"annotations\":null,\"platform\":null}",
        "{\"mediaType\":\"a/b\",\"digest\":\"" DIGEST_A
        "\",\"size\":1,\"artifactType\":\"\",\"data\":\"e30=\"}",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_VALUE(desc_wipe) struct desc d = {0};
        ok(parse(&d, rows[i]));
    }
}

static void refuses(void **state)
{
    static const struct {
        const char *text, *part;
        enum err_kind kind;
    } rows[] = {
        {"[]", "doc: expected a descriptor", ERR_INPUT},
        {"{}", "key mediaType is missing", ERR_INPUT},
        {"{\"mediaType\":1}", "key mediaType", ERR_INPUT},
        {"{\"mediaType\":\"\"}", "no media type", ERR_INPUT},
        {"{\"mediaType\":\"a/b\\r\\nX: y\"}", "\\x0d\\x0a", ERR_INPUT},
        {"{\"mediaType\":\"a/b\"}", "key digest is missing", ERR_INPUT},
        {"{\"mediaType\":\"a/b\",\"digest\":\"sha256:../../../etc/passwd\"}", "key digest", ERR_INPUT},
        {"{\"mediaType\":\"a/b\",\"digest\":\"SHA256:aa\"}", "key digest", ERR_INPUT},
        {"{\"mediaType\":\"a/b\",\"digest\":\"" DIGEST_A "a\"}", "key digest", ERR_INPUT},
        {"{\"mediaType\":\"a/b\",\"digest\":\"" DIGEST_A "\"}", "key size is missing", ERR_INPUT},
        {"{\"mediaType\":\"a/b\",\"digest\":\"" DIGEST_A "\",\"size\":-1}", "key size", ERR_INPUT},
        {"{\"mediaType\":\"a/b\",\"digest\":\"" DIGEST_A "\",\"size\":\"1\"}", "key size", ERR_INPUT},
        {"{\"mediaType\":\"a/b\",\"digest\":\"" DIGEST_A "\",\"size\":1e3}", "key size", ERR_INPUT},
        {"{\"mediaType\":\"a/b\",\"digest\":\"" DIGEST_A "\",\"size\":1125899906842625}", "more than",
         ERR_INPUT},
        {"{\"mediaType\":\"a/b\",\"digest\":\"" DIGEST_A "\",\"size\":1,\"urls\":\"x\"}", "key urls",
         ERR_INPUT},
        {"{\"mediaType\":\"a/b\",\"digest\":\"" DIGEST_A "\",\"size\":1,\"annotations\":{\"a\":1}}",
         "key annotations", ERR_INPUT},
        {"{\"mediaType\":\"a/b\",\"digest\":\"" DIGEST_A "\",\"size\":1,\"platform\":[]}", "key platform",
         ERR_INPUT},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_VALUE(desc_wipe) struct desc d = {0};
        refused(parse(&d, rows[i].text), rows[i].kind, rows[i].part);
    }
}

static void digest_set(void **state)
{
    AUTO_VALUE(digestset_wipe) struct digestset set = {0};
    size_t number = 99;
    (void)state;
    struct digest a = digest_from(DIGEST_A);
    assert_false(digestset_has(&set, &a));
    for (unsigned i = 0; i < 1000; i++) {
        struct digest d = digest_of(&i, sizeof i);
        assert_true(digestset_add(&set, &d, &number));
        assert_int_equal(number, i);
    }
    for (unsigned i = 0; i < 1000; i++) {
        struct digest d = digest_of(&i, sizeof i);
        assert_true(digestset_has(&set, &d));
        assert_false(digestset_add(&set, &d, &number));
        assert_int_equal(number, i);
    }
    assert_false(digestset_has(&set, &a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(takes),
        cmocka_unit_test(refuses),
        cmocka_unit_test(digest_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
