/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/mem.h"
#include "base/str.h"
#include "registry/address.h"
#include "registry/url.h"

#include <arpa/inet.h>

static void parses(void **state)
{
    static const struct {
        const char *text, *scheme, *host;
        unsigned port;
    } rows[] = {
        {"https://a.example/v2/", "https", "a.example", 443},
        {"HTTP://A.Example:5000/x?y=Z", "http", "a.example", 5000},
        {"http://[::1]:5000/", "http", "[::1]", 5000},
        {"https://under_score/", "https", "under_score", 443},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_VALUE(url_wipe) struct url u = {0};
        check_ok(url_parse(&u, rows[i].text));
        assert_string_equal(u.scheme, rows[i].scheme);
        assert_string_equal(u.host, rows[i].host);
        assert_int_equal(u.port, rows[i].port);
    }
}

static void refuses(void **state)
{
    static const struct {
        const char *text, *part;
    } rows[] = {
        {"ftp://a/", "not a URL of http or https"},
        {"file:///etc/passwd", "not a URL of http or https"},
        {"https://user:secret@a/", "user or password"},
        {"https://user@a/", "user or password"},
        {"https://a b/", "a space"},
        {"https://a/\r\nX: y", "control character"},
        {"https://a\xc3\xa9/", "not ASCII"},
        {"https://a%0ab/", "not a URL"},
        {"https://a:99999/", "not a URL"},
        {"", "not a URL"},
        {"/only/a/path", "not a URL"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_VALUE(url_wipe) struct url u = {0};
        struct err *e = url_parse(&u, rows[i].text);
        if (!e)
            fail_msg("%s was taken", rows[i].text);
        assert_null(strstr(err_message(e), "secret"));
        check_error(e, ERR_INPUT, rows[i].part);
    }
}

static void resolves(void **state)
{
    static const struct {
        const char *base, *location, *want; /* NULL: refused */
    } rows[] = {
        {"https://a/v2/x", "/v2/y", "https://a/v2/y"},
        {"https://a/v2/x?old=1", "/v2/y?_state=a%2Fb%3D%3D&z=", "https://a/v2/y?_state=a%2Fb%3D%3D&z="},
        {"https://a:5000/v2/x/", "y", "https://a:5000/v2/x/y"},
        {"https://a/v2/x", "https://b:444/y?q", "https://b:444/y?q"},
        {"https://a/v2/x", "//b/y", "https://b/y"},
        {"http://a/v2/x", "https://b/y", "https://b/y"},
        /* A proxy that tells its server nothing of TLS. */
        {"https://a/v2/x", "http://a/y", "https://a/y"},
        {"https://a:5000/v2/x", "http://a:5000/y?s=1", "https://a:5000/y?s=1"},
        {"https://a/v2/x", "http://a:443/y", "https://a:443/y"},
        {"https://a/v2/x", "http://b/y", NULL},
        {"https://a/v2/x", "http://a:5000/y", NULL},
        {"https://a:5000/v2/x", "http://a/y", NULL},
        {"https://a/v2/x", "file:///etc/passwd", NULL},
        {"https://a/v2/x", "https://u:p@b/", NULL},
        {"https://a/v2/x", "/y z", NULL},
        {"https://a/v2/x", "/a/../b/./c", "https://a/a/../b/./c"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_VALUE(url_wipe) struct url base = {0};
        AUTO_VALUE(url_wipe) struct url u = {0};
        check_ok(url_parse(&base, rows[i].base));
        AUTO(err_free) struct err *e = url_resolve(&u, &base, rows[i].location);
        if ((e == NULL) != (rows[i].want != NULL) || (!e && strcmp(u.text, rows[i].want) != 0))
            fail_msg("%s: %s instead of %s", rows[i].location, e ? err_message(e) : u.text,
                     rows[i].want ? rows[i].want : "an error");
    }
}

static void adds_queries(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"https://a/x", "https://a/x?digest=sha256%3Aab"},
        {"https://a/x?", "https://a/x?digest=sha256%3Aab"},
        {"https://a/x?s=%2f", "https://a/x?s=%2f&digest=sha256%3Aab"},
        {"https://a/x?s=1&", "https://a/x?s=1&digest=sha256%3Aab"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_VALUE(url_wipe) struct url u = {0};
        check_ok(url_parse(&u, rows[i].text));
        url_add_query(&u, "digest", "sha256:ab");
        assert_string_equal(u.text, rows[i].want);
    }
}

static void shows_no_secret(void **state)
{
    AUTO_VALUE(url_wipe) struct url u = {0};
    (void)state;
    check_ok(url_parse(&u, "https://a/x?token=secret&b"));
    AUTO(mem_free) char *shown = url_shown(&u);
    assert_string_equal(shown, "https://a/x?…");
}

static void origins(void **state)
{
    static const struct {
        const char *a, *b;
        bool same;
    } rows[] = {
        {"https://a/x", "https://A:443/y", true},    {"https://a/", "http://a/", false},
        {"https://a/", "https://a:5000/", false},    {"https://a/", "https://b/", false},
        {"http://[::1]:80/", "http://[::1]/", true}, {"http://a/", "http://a.b/", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_VALUE(url_wipe) struct url a = {0};
        AUTO_VALUE(url_wipe) struct url b = {0};
        check_ok(url_parse(&a, rows[i].a));
        check_ok(url_parse(&b, rows[i].b));
        assert_int_equal(url_same_origin(&a, &b), rows[i].same);
    }
}

static void addresses(void **state)
{
    static const struct {
        const char *text;
        bool is_public;
    } rows[] = {
        {"8.8.8.8", true},
        {"127.0.0.1", false},
        {"127.255.255.255", false},
        {"10.1.2.3", false},
        {"172.16.0.1", false},
        {"172.32.0.1", true},
        {"192.168.1.1", false},
        {"169.254.169.254", false},
        {"100.64.0.1", false},
        {"0.0.0.0", false},
        {"255.255.255.255", false},
        {"224.0.0.1", false},
        {"::1", false},
        {"::", false},
        {"fd00::1", false},
        {"fe80::1", false},
        {"2a00:1450::1", true},
        {"::ffff:10.0.0.1", false},
        {"::ffff:8.8.8.8", true},
        {"64:ff9b::7f00:1", false},
        {"2002:7f00:1::", false},
        {"ff02::1", false},
        {"not an address", false},
        {"", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (address_text_is_public(rows[i].text) != rows[i].is_public)
            fail_msg("%s", rows[i].text);
    assert_true(address_is_loopback_host("localhost"));
    assert_true(address_is_loopback_host("127.3.2.1"));
    assert_true(address_is_loopback_host("[::1]"));
    assert_true(address_is_loopback_host("a.localhost"));
    assert_false(address_is_loopback_host("localhost.example"));
    assert_false(address_is_loopback_host("10.0.0.1"));
    assert_true(address_is_literal("[fd00::1]"));
    assert_false(address_is_literal("a.example"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses),       cmocka_unit_test(refuses),         cmocka_unit_test(resolves),
        cmocka_unit_test(adds_queries), cmocka_unit_test(shows_no_secret), cmocka_unit_test(origins),
        cmocka_unit_test(addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
