/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/mem.h"
#include "registry/http_head.h"
#include "registry/token.h"

/* 2026-11-21T00:00:00Z */
#define NOW 1795219200

static void parses(void **state)
{
    static const struct {
        const char *body, *value;
        uint64_t life_ms;
    } rows[] = {
        {"{\"token\":\"abc\"}", "abc", 60000},
        {"{\"access_token\":\"abc\",\"expires_in\":300}", "abc", 300000},
        {"{\"token\":\"abc\",\"access_token\":\"def\"}", "abc", 60000},
        {"{\"token\":\"\",\"access_token\":\"def\"}", "def", 60000},
        {"{\"token\":\"abc\",\"expires_in\":0}", "abc", 60000},
        {"{\"token\":\"abc\",\"expires_in\":-1}", "abc", 60000},
        {"{\"token\":\"abc\",\"expires_in\":\"300\"}", "abc", 60000},
        {"{\"token\":\"abc\",\"expires_in\":1e99}", "abc", 86400000},
        {"{\"token\":\"abc\",\"expires_in\":90.5}", "abc", 90500},
        /* When it was issued counts as far as it makes sense: a server may give out an older token. */
        {"{\"token\":\"abc\",\"expires_in\":300,\"issued_at\":\"2026-11-20T23:59:00Z\"}", "abc", 240000},
        {"{\"token\":\"abc\",\"expires_in\":300,\"issued_at\":\"2026-11-20T23:59:00.123456Z\"}", "abc",
         240000},
        {"{\"token\":\"abc\",\"expires_in\":300,\"issued_at\":\"2026-11-21T00:01:00Z\"}", "abc", 300000},
        {"{\"token\":\"abc\",\"expires_in\":300,\"issued_at\":\"2026-11-20T23:45:00Z\"}", "abc", 300000},
        {"{\"token\":\"abc\",\"expires_in\":300,\"issued_at\":\"yesterday\"}", "abc", 300000},
        {"{\"token\":\"abc\",\"expires_in\":300,\"issued_at\":3}", "abc", 300000},
        /* distribution's document "Token Authentication Specification", and "OAuth2" */
        {"{\"token\":\"eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9.x.y\",\"expires_in\":3600,"
         "\"issued_at\":\"2009-11-10T23:00:00Z\"}",
         "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9.x.y", 3600000},
        {"{\"refresh_token\":\"kas9Da81Dfa8\",\"access_token\":\"eyJhbGciOiJFUzI1NiIsInR5\",\"expires_in\":"
         "900,"
         "\"scope\":\"\"}",
         "eyJhbGciOiJFUzI1NiIsInR5", 900000},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_VALUE(token_wipe) struct token t = {0};
        check_ok(token_parse(&t, rows[i].body, strlen(rows[i].body), "GET u", NOW));
        assert_string_equal(t.value, rows[i].value);
        assert_int_equal(t.life_ms, rows[i].life_ms);
    }
}

static void refuses(void **state)
{
    static const char *const rows[] = {
        "",
        "{",
        "[]",
        "{}",
        "{\"token\":3}",
        "{\"token\":\"\"}",
        "{\"token\":\"a b\"}",
        "{\"token\":\"a\\r\\nX: y\"}",
        "{\"token\":\"\\u00e9\"}",
        "<html>secret",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_VALUE(token_wipe) struct token t = {0};
        struct err *e = token_parse(&t, rows[i], strlen(rows[i]), "GET u", NOW);
        assert_non_null(e);
        assert_null(strstr(err_message(e), "secret"));
        check_error(e, ERR_INPUT, "GET u");
    }
}

static void trusts_its_site(void **state)
{
    static const struct {
        const char *registry, *server;
        bool trusted;
    } rows[] = {
        {"registry-1.docker.io", "auth.docker.io", true},
        {"ghcr.io", "ghcr.io", true},
        {"registry.gitlab.com", "gitlab.com", true},
        {"gitlab.example.org", "registry.gitlab.example.org", true},
        {"rg.fr-par.scw.cloud", "api.scaleway.com", true},
        {"127.0.0.1", "localhost", true},
        {"registry", "auth", true},
        {"registry.example.org", "evil.org", false},
        {"registry.example.org", "example.org.evil.net", false},
        {"registry.example.org", "evilexample.org", false},
        {"a.org", "b.org", false},
        {"a.co.uk", "b.co.uk", false},
        {"registry.com.au", "com.au", false},
        {"registry.a.co.uk", "auth.a.co.uk", true},
        {"registry.a.co.uk", "a.co.uk", true},
        {"registry.quay.io", "auth.quay.io", true},
        {"quay.io", "ghcr.io", false},
        {"registry.example.org", "127.0.0.1", false},
        {"10.0.0.1", "10.0.0.2", false},
        {"registry.example.org", "169.254.169.254", false},
        {"scw.cloud.evil.net", "api.scaleway.com", false},
        {"registry", "evil.net", false},
    };
    (void)state;
    unsetenv("LADE_TOKEN_SERVERS");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (token_server_is_trusted(rows[i].registry, rows[i].server) != rows[i].trusted)
            fail_msg("%s, %s", rows[i].registry, rows[i].server);
    setenv("LADE_TOKEN_SERVERS", "x.example,tokens.corp", 1);
    assert_true(token_server_is_trusted("registry.example.org", "tokens.corp"));
    assert_false(token_server_is_trusted("registry.example.org", "evil.org"));
    unsetenv("LADE_TOKEN_SERVERS");
}

static void reads_heads(void **state)
{
    AUTO_VALUE(strmap_wipe) struct strmap h = {0};
    static const char *const lines[] = {"Content-Length:  12 \r\n",
                                        "CONTENT-TYPE: Application/JSON; charset=utf-8\r\n",
                                        "Content-Range: bytes 5-9/10\r\n", "no colon\r\n", "X-Empty:\r\n"};
    uint64_t value;
    (void)state;
    assert_int_equal(http_head_line(&h, "HTTP/1.1 200 OK\r\n", 17), HTTP_HEAD_BEGIN);
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        assert_int_equal(http_head_line(&h, lines[i], strlen(lines[i])), HTTP_HEAD_LINE);
    assert_int_equal(http_head_line(&h, "\r\n", 2), HTTP_HEAD_END);
    assert_true(http_head_length(&h, &value) && value == 12);
    assert_true(http_head_range_start(&h, &value) && value == 5);
    AUTO(mem_free) char *type = http_head_type(&h);
    assert_string_equal(type, "application/json");
    assert_string_equal(strmap_get(&h, "x-empty"), "");
    strmap_set(&h, "content-length", "-1");
    strmap_set(&h, "content-range", "bytes */10");
    assert_false(http_head_length(&h, &value));
    assert_false(http_head_range_start(&h, &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses),
        cmocka_unit_test(refuses),
        cmocka_unit_test(trusts_its_site),
        cmocka_unit_test(reads_heads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
