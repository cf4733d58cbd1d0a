/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/mem.h"
#include "registry/apierr.h"

static void tells(void **state)
{
    static const struct {
        int status;
        const char *body;
        enum err_kind kind;
        const char *want;
    } rows[] = {
        {404,
         "{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\",\"message\":\"manifest "
         "unknown\",\"detail\":{\"Tag\":\"1\"}}]}",
         ERR_NOT_FOUND, "PUT https://a/x: HTTP 404 MANIFEST_UNKNOWN: manifest unknown"},
        {400, "{\"errors\":[{\"code\":\"X\",\"message\":\"m\",\"detail\":\"d\"}]}", ERR_INPUT,
         "PUT https://a/x: HTTP 400 X: m (d)"},
        {403, "{\"errors\":[]}", ERR_DENIED, "PUT https://a/x: HTTP 403"},
        {403, "{\"errors\":null}", ERR_DENIED, "PUT https://a/x: HTTP 403"},
        {403, "{\"errors\":[1]}", ERR_DENIED, "PUT https://a/x: HTTP 403"},
        {403, "{\"errors\":[{\"code\":1,\"message\":[]}]}", ERR_DENIED, "PUT https://a/x: HTTP 403"},
        {500, "{\"message\":\"boom\"}", ERR_NETWORK, "PUT https://a/x: HTTP 500: boom"},
        {401, "{\"error\":\"invalid_grant\",\"error_description\":\"no such token\"}", ERR_DENIED,
         "PUT https://a/x: HTTP 401 invalid_grant: no such token"},
        {502, "", ERR_NETWORK, "PUT https://a/x: HTTP 502"},
        {502, " \r\n", ERR_NETWORK, "PUT https://a/x: HTTP 502"},
        {429, "too many\r\n", ERR_NETWORK, "PUT https://a/x: HTTP 429: too many"},
        {502, "<!DOCTYPE html><html>…", ERR_NETWORK,
         "PUT https://a/x: HTTP 502: (a page of HTML: is this a registry?)"},
        {502, "\n<HTML>", ERR_NETWORK, "PUT https://a/x: HTTP 502: (a page of HTML: is this a registry?)"},
        {413, "", ERR_RESOURCE, "PUT https://a/x: HTTP 413"},
        {405, "{\"errors\":[{\"code\":\"UNSUPPORTED\"}]}", ERR_UNSUPPORTED,
         "PUT https://a/x: HTTP 405 UNSUPPORTED"},
        {400, "{\"errors\":[{\"code\":\"A\\u001b[31m\",\"message\":\"\\u202eevil\\n\"}]}", ERR_INPUT,
         "PUT https://a/x: HTTP 400 A\\x1b[31m: \\u{202e}evil\\x0a"},
        {400, "not json \x1b]0;title\x07", ERR_INPUT,
         "PUT https://a/x: HTTP 400: not json \\x1b]0;title\\x07"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(err_free)
        struct err *e = apierr_new(rows[i].status, "PUT", "https://a/x", rows[i].body, strlen(rows[i].body));
        assert_string_equal(err_message(e), rows[i].want);
        assert_int_equal(err_kind_of(e), rows[i].kind);
        assert_int_equal(err_http_status(e), rows[i].status);
    }
}

static void is_bounded(void **state)
{
    AUTO_VALUE(buf_wipe) struct buf body = BUF(BUF_NO_LIMIT);
    (void)state;
    buf_str(&body, "{\"errors\":[{\"code\":\"");
    for (int i = 0; i < 5000; i++)
        buf_str(&body, "LONG");
    buf_str(&body, "\",\"message\":\"");
    for (int i = 0; i < 5000; i++)
        buf_str(&body, "text ");
    buf_str(&body, "\"}]}");
    AUTO(err_free) struct err *e = apierr_new(400, "GET", "u", buf_text(&body), body.len);
    assert_true(strlen(err_message(e)) < 320);
}

static void finds_codes(void **state)
{
    static const char body[] = "{\"errors\":[{\"code\":\"A\"},{\"code\":\"MANIFEST_BLOB_UNKNOWN\"},3]}";
    (void)state;
    assert_true(apierr_has(body, strlen(body), "MANIFEST_BLOB_UNKNOWN"));
    assert_true(apierr_has(body, strlen(body), "A"));
    assert_false(apierr_has(body, strlen(body), "BLOB_UNKNOWN"));
    assert_false(apierr_has("", 0, "A"));
    assert_false(apierr_has("[1]", 3, "A"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells),
        cmocka_unit_test(is_bounded),
        cmocka_unit_test(finds_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
