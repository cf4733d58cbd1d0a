/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/mem.h"
#include "base/str.h"
#include "image/mediatype.h"
#include "registry/fallback.h"

#define A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define ENTRY(digest) "{\"mediaType\":\"" MEDIATYPE_OCI_MANIFEST "\",\"digest\":\"" digest "\",\"size\":7}"

static json_t *index_of(const char *manifests)
{
    json_t *index = NULL;
    AUTO(mem_free) char *text = mem_printf("{\"schemaVersion\":2,\"manifests\":%s}", manifests);
    check_ok(fallback_parse(&index, text, strlen(text), "test"));
    return index;
}

static void tags(void **state)
{
    static const struct {
        const char *tag;
        bool yes;
    } rows[] = {
        {"sha256-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", true},
        {"sha256-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.sig", true},
        {"sha256-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.", true},
        {"sha256-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
        {"sha256-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-x", false},
        {"sha256-Aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
        {"sha256-aaaa", false},
        {"latest", false},
        {"", false},
    };
    char text[FALLBACK_TAG];
    struct digest digest = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (fallback_is_tag(rows[i].tag, &digest) != rows[i].yes)
            fail_msg("%s", rows[i].tag);
    check_ok(digest_parse(&digest, A));
    assert_string_equal(fallback_tag(&digest, text), rows[0].tag);
    digest = (struct digest){.alg = DIGEST_SHA512};
    assert_int_equal(strlen(fallback_tag(&digest, text)), strlen("sha512-") + 64);
}

static void refuses_what_is_no_index(void **state)
{
    static const char *const rows[] = {
        "[]",
        "{\"layers\":[]}",
        "{\"config\":{},\"manifests\":[]}",
        "{\"manifests\":{}}",
        "{\"mediaType\":7}",
        "{\"mediaType\":\"" MEDIATYPE_DOCKER_LIST "\",\"manifests\":[]}",
        "not json",
        "{\"manifests\":[],\"manifests\":[]}",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        json_t *index = NULL;
        struct err *e = fallback_parse(&index, rows[i], strlen(rows[i]), "test");
        if (!e)
            fail_msg("taken: %s", rows[i]);
        assert_int_equal(err_kind_of(e), ERR_INPUT);
        err_free(e);
    }
}

static void lists_what_can_be_read(void **state)
{
    AUTO_VALUE(desclist_wipe) struct desclist list = {0};
    AUTO(json_decref)
    json_t *index =
        index_of("[" ENTRY(A) ",{\"digest\":\"" B "\"}," ENTRY("sha256:short") ",7," ENTRY(B) "]");
    (void)state;
    assert_int_equal(fallback_list(index, &list), 3);
    assert_int_equal(list.count, 2);
    AUTO(json_decref) json_t *none = index_of("null");
    assert_int_equal(fallback_list(none, &list), 0);
}

static void merges_and_drops(void **state)
{
    AUTO(json_decref) json_t *one = index_of("[{\"digest\":\"" A "\",\"kept\":{\"deep\":[1]}}]");
    AUTO(json_decref) json_t *two = index_of("[" ENTRY(B) ",{\"no\":\"digest\"}," ENTRY(A) "]");
    (void)state;
    assert_true(fallback_merge(one, two));
    assert_false(fallback_merge(one, two));
    AUTO(mem_free) char *text = json_text(one);
    /* What lade does not know stays as it was. */
    assert_non_null(strstr(text, "{\"digest\":\"" A "\",\"kept\":{\"deep\":[1]}}," ENTRY(B)));
    assert_true(fallback_has(one, A));
    assert_true(fallback_drop(one, A));
    assert_false(fallback_drop(one, A));
    assert_false(fallback_has(one, A));
    assert_true(fallback_has(one, B));
    /* Another change of the one does not reach the other. */
    assert_true(fallback_drop(two, B));
    assert_true(fallback_has(one, B));
}

static void describes(void **state)
{
    static const struct {
        const char *text, *artifact;
    } rows[] = {
        {"{\"artifactType\":\"text/sbom\",\"config\":" ENTRY(
             A) ",\"layers\":[],\"annotations\":{\"k\":\"v\"}}",
         "text/sbom"},
        {"{\"config\":{\"mediaType\":\"text/cfg\",\"digest\":\"" A
         "\",\"size\":1},\"layers\":[],\"annotations\":{\"k\":\"v\"}}",
         "text/cfg"},
        {"{\"manifests\":[],\"annotations\":{\"k\":\"v\"}}", NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_VALUE(manifest_wipe) struct manifest m = {0};
        AUTO_VALUE(desc_wipe) struct desc d = {0};
        AUTO_VALUE(desc_wipe) struct desc entry = {0};
        struct digest digest = digest_of(rows[i].text, strlen(rows[i].text));
        desc_set(&d, "some/type", &digest, strlen(rows[i].text));
        check_ok(manifest_parse(&m, rows[i].text, strlen(rows[i].text), NULL, "test"));
        fallback_describe(&entry, &d, &m);
        assert_string_equal(entry.media_type, "some/type");
        assert_true(digest_equal(&entry.digest, &digest));
        assert_true(str_eq(entry.artifact_type, rows[i].artifact));
        assert_string_equal(strmap_get(&entry.annotations, "k"), "v");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tags),
        cmocka_unit_test(refuses_what_is_no_index),
        cmocka_unit_test(lists_what_can_be_read),
        cmocka_unit_test(merges_and_drops),
        cmocka_unit_test(describes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
