/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/err.h"
#include "base/lock.h"
#include "base/mem.h"
#include "registry/s3.h"
#include "registry/s3_ask.h"
#include "registry/sigv4.h"

#include <stdlib.h>
#include <string.h>

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void test_parts(void **state)
{
    static const uint64_t sizes[] = {S3_WHOLE_MAX + 1, GIB,           32000 * MIB,
                                     32000 * MIB + 1,  S3_FEW_MAX,    S3_FEW_MAX + 1,
                                     5 * GIB * 1000,   5 * 1024 * GIB};
    (void)state;
    assert_int_equal(s3_part_size(GIB), S3_PART);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        uint64_t part = s3_part_size(sizes[i]);
        assert_true(part >= 5 * MIB && part <= 5 * GIB);
        assert_true((sizes[i] + part - 1) / part <= (sizes[i] > S3_FEW_MAX ? S3_PARTS_MAX : S3_PARTS_FEW));
    }
}

struct place {
    struct s3_options options;
    const char *environment; /* AWS_ENDPOINT_URL_S3 */
    const char *base, *root; /* base NULL: it is refused */
};

static void test_base(void **state)
{
    static const struct place rows[] = {
        {{.bucket = "b", .region = "eu-west-1"}, NULL, "https://b.s3.eu-west-1.amazonaws.com", ""},
        {{.bucket = "b.c", .region = "eu-west-1"}, NULL, "https://s3.eu-west-1.amazonaws.com", "/b.c"},
        {{.bucket = "b", .region = "cn-north-1"}, NULL, "https://b.s3.cn-north-1.amazonaws.com.cn", ""},
        {{.bucket = "b", .path_style = true, .endpoint = "https://s3.example"},
         NULL,
         "https://s3.example",
         "/b"},
        {{.bucket = "b", .endpoint = "http://s3.example:9000/"}, NULL, "http://b.s3.example:9000", ""},
        {{.bucket = "b", .endpoint = "http://10.0.0.1:9000"}, NULL, "http://10.0.0.1:9000", "/b"},
        {{.bucket = "b"}, "http://minio:9000", "http://b.minio:9000", ""},
        {{.bucket = "b"}, NULL, NULL, NULL},
        {{.bucket = "b/c", .region = "r"}, NULL, NULL, NULL},
        {{.bucket = "", .region = "r"}, NULL, NULL, NULL},
        {{.bucket = "..", .region = "r"}, NULL, NULL, NULL},
        {{.bucket = "b", .region = "a.b/"}, NULL, NULL, NULL},
        {{.bucket = "b", .endpoint = "http://host/path"}, NULL, NULL, NULL},
        {{.bucket = "b", .endpoint = "ftp://host"}, NULL, NULL, NULL},
    };
    (void)state;
    unsetenv("AWS_REGION");
    unsetenv("AWS_DEFAULT_REGION");
    unsetenv("AWS_ENDPOINT_URL");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct s3 s = {0};
        if (rows[i].environment)
            setenv("AWS_ENDPOINT_URL_S3", rows[i].environment, 1);
        else
            unsetenv("AWS_ENDPOINT_URL_S3");
        struct err *e = s3_ask_base(&s, &rows[i].options);
        if (e && rows[i].base)
            fail_msg("%zu: %s", i, err_message(e));
        assert_int_equal(e == NULL, rows[i].base != NULL);
        if (!e) {
            assert_string_equal(s.base, rows[i].base);
            assert_string_equal(s.root, rows[i].root);
        }
        err_free(e);
        mem_free(s.base);
        mem_free(s.root);
        mem_free(s.bucket);
        mem_free(s.region);
    }
}

/* Amazon's examples in "Signature Calculations for the Authorization Header" for S3. */
static void test_examples(void **state)
{
    const struct sigv4_key key = {.id = "AKIAIOSFODNN7EXAMPLE",
                                  .secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                                  .region = "us-east-1",
                                  .service = "s3"};
    struct strmap headers = {0}, query = {0};
    (void)state;
    strmap_add(&headers, "Range", "bytes=0-9");
    strmap_add(&headers, "x-amz-content-sha256", EMPTY);
    struct sigv4_request get = {.method = "GET",
                                .host = "examplebucket.s3.amazonaws.com",
                                .path = "/test.txt",
                                .headers = &headers,
                                .body_hash = EMPTY,
                                .path_as_is = true};
    char *text = sigv4_sign(&get, &key, 1369353600);
    assert_non_null(strstr(text, "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"));
    mem_free(text);
    strmap_remove(&headers, "Range");
    strmap_add(&query, "lifecycle", "");
    struct sigv4_request lifecycle = {.method = "GET",
                                      .host = "examplebucket.s3.amazonaws.com",
                                      .path = "/",
                                      .query = &query,
                                      .headers = &headers,
                                      .body_hash = EMPTY,
                                      .path_as_is = true};
    text = sigv4_sign(&lifecycle, &key, 1369353600);
    assert_non_null(strstr(text, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"));
    mem_free(text);
    strmap_wipe(&headers);
    strmap_wipe(&query);
}

struct refusal {
    int status;
    enum err_kind kind;
    const char *region; /* x-amz-bucket-region */
    const char *body;
    const char *hint; /* a part of it, or NULL: there is none */
};

/* What Amazon S3 and OpenStack Swift answer. */
static void test_refusals(void **state)
{
    static const struct refusal rows[] = {
        {400, ERR_INPUT, NULL,
         "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>",
         "region=eu-west-1"},
        {301, ERR_INPUT, "eu-west-1", "", "region=eu-west-1"},
        {403, ERR_DENIED, "us-east-1", "<Error><Code>AccessDenied</Code></Error>", "s3:PutObject"},
        {403, ERR_DENIED, "a b", "<Error><Code>SignatureDoesNotMatch</Code></Error>", "is the secret"},
        {403, ERR_DENIED, NULL, "<Error><Code>InvalidAccessKeyId</Code></Error>", "the environment"},
        {403, ERR_DENIED, NULL, "", "s3:ListBucket"},
        {404, ERR_INPUT, NULL, "<Error><Code>NoSuchBucket</Code></Error>", "make the bucket"},
        {404, ERR_NOT_FOUND, NULL, "<Error><Code>NoSuchKey</Code><Region>r\"</Region></Error>", NULL},
    };
    struct s3 s = {.base = (char[]){"https://host"},
                   .root = (char[]){"/b"},
                   .region = (char[]){"us-east-1"},
                   .keys = {.source = (char[]){"the environment"}}};
    struct s3_request q = {.s3 = &s, .method = "GET", .key = "k"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct transfer_reply r = {.status = rows[i].status, .body = BUF(BUF_NO_LIMIT)};
        buf_str(&r.body, rows[i].body);
        if (rows[i].region)
            strmap_add(&r.headers, "x-amz-bucket-region", rows[i].region);
        struct err *e = s3_ask_refusal(&q, &r);
        const char *hint = err_hint_of(e);
        assert_int_equal(err_kind_of(e), rows[i].kind);
        if (!hint != !rows[i].hint || (hint && !strstr(hint, rows[i].hint)))
            fail_msg("%zu: %s", i, hint ? hint : "no hint");
        err_free(e);
        transfer_reply_wipe(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_parts), cmocka_unit_test(test_base),
                                       cmocka_unit_test(test_examples), cmocka_unit_test(test_refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
