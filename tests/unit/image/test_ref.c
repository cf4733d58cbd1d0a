/* SPDX-License-Identifier: Apache-2.0 */
#include "help.h"

#include "base/str.h"
#include "image/ref.h"

static void parses(void **state)
{
    static const struct {
        const char *text, *registry, *repository, *tag, *full, *familiar;
        bool digest;
    } rows[] = {
        {"alpine", "docker.io", "library/alpine", "latest", "docker.io/library/alpine:latest",
         "alpine:latest", false},
        {"alpine:3.20", "docker.io", "library/alpine", "3.20", "docker.io/library/alpine:3.20", "alpine:3.20",
         false},
        {"user/app", "docker.io", "user/app", "latest", "docker.io/user/app:latest", "user/app:latest",
         false},
        {"docker.io/alpine", "docker.io", "library/alpine", "latest", "docker.io/library/alpine:latest",
         "alpine:latest", false},
        {"index.docker.io/library/alpine:1", "docker.io", "library/alpine", "1", "docker.io/library/alpine:1",
         "alpine:1", false},
        {"registry-1.docker.io/u/a:1", "docker.io", "u/a", "1", "docker.io/u/a:1", "u/a:1", false},
        {"Index.Docker.IO/u/a:1", "docker.io", "u/a", "1", "docker.io/u/a:1", "u/a:1", false},
        {"localhost/app", "localhost", "app", "latest", "localhost/app:latest", "localhost/app:latest",
         false},
        {"localhost:5000/app:1", "localhost:5000", "app", "1", "localhost:5000/app:1", "localhost:5000/app:1",
         false},
        {"localhost:5000", "docker.io", "library/localhost", "5000", "docker.io/library/localhost:5000",
         "localhost:5000", false},
        {"127.0.0.1:5000/a/b/c", "127.0.0.1:5000", "a/b/c", "latest", "127.0.0.1:5000/a/b/c:latest",
         "127.0.0.1:5000/a/b/c:latest", false},
        {"[::1]:5000/app:1", "[::1]:5000", "app", "1", "[::1]:5000/app:1", "[::1]:5000/app:1", false},
        {"[2001:db8::1]/app", "[2001:db8::1]", "app", "latest", "[2001:db8::1]/app:latest",
         "[2001:db8::1]/app:latest", false},
        {"GHCR.io/o/a:V1", "GHCR.io", "o/a", "V1", "GHCR.io/o/a:V1", "GHCR.io/o/a:V1", false},
        {"ghcr.io/o/a__b.c-d---e_f:_x.Y-z", "ghcr.io", "o/a__b.c-d---e_f", "_x.Y-z",
         "ghcr.io/o/a__b.c-d---e_f:_x.Y-z", "ghcr.io/o/a__b.c-d---e_f:_x.Y-z", false},
        {"a.b/c@" DIGEST_A, "a.b", "c", NULL, "a.b/c@" DIGEST_A, "a.b/c@" DIGEST_A, true},
        {"a.b/c:t@" DIGEST_A, "a.b", "c", "t", "a.b/c:t@" DIGEST_A, "a.b/c:t@" DIGEST_A, true},
        {"alpine@" DIGEST_A, "docker.io", "library/alpine", NULL, "docker.io/library/alpine@" DIGEST_A,
         "alpine@" DIGEST_A, true},
        {"docker.io/foo.bar/x:1", "docker.io", "foo.bar/x", "1", "docker.io/foo.bar/x:1",
         "docker.io/foo.bar/x:1", false},
        {"docker.io/library/a/b:1", "docker.io", "library/a/b", "1", "docker.io/library/a/b:1",
         "library/a/b:1", false},
        {"host.x:65535/a", "host.x:65535", "a", "latest", "host.x:65535/a:latest", "host.x:65535/a:latest",
         false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_VALUE(ref_wipe) struct ref r = {0}, again = {0}, copy = {0};
        ok(ref_parse(&r, rows[i].text));
        assert_string_equal(r.registry, rows[i].registry);
        assert_string_equal(r.repository, rows[i].repository);
        assert_true(str_eq(r.tag, rows[i].tag));
        assert_int_equal(digest_is_set(&r.digest), rows[i].digest);
        AUTO(mem_free) char *full = ref_text(&r);
        AUTO(mem_free) char *familiar = ref_familiar(&r);
        AUTO(mem_free) char *name = ref_name(&r);
        assert_string_equal(full, rows[i].full);
        assert_string_equal(familiar, rows[i].familiar);
        assert_true(str_starts(full, name));
        /* Both forms mean the same again. */
        ok(ref_parse(&again, familiar));
        ref_copy(&copy, &again);
        AUTO(mem_free) char *once_more = ref_text(&copy);
        assert_string_equal(once_more, full);
    }
}

static void refuses(void **state)
{
    static const struct {
        const char *text, *part;
    } rows[] = {
        {"", "expected a repository name at the end (character 1)"},
        {"Alpine",
         "expected a lower-case letter (repository names are lower case) at character 1, found \"Alpine\""},
        {"ghcr.io/Org/app:1", "at character 9, found \"Org/app:1\""},
        {"ghcr.io/org/aPP", "at character 14, found \"PP\""},
        {"alpine:", "expected a tag (a letter, digit or \"_\" first) at the end (character 8)"},
        {"alpine:-1", "at character 8, found \"-1\""},
        {"alpine:a/b", "expected a port number"},
        {"user/app:a/b", "at character 11, found \"/b\""},
        {"a//b", "expected a lower-case letter or digit at character 3, found \"/b\""},
        {"a/", "at the end (character 3)"},
        {"/a", "at character 1"},
        {"-a", "at character 1"},
        {"a-", "expected a lower-case letter or digit at the end (character 3)"},
        {"a..b/c", "expected a host name"},
        {"x/a..b", "at character 5, found \".b\""},
        {"a___b", "at character 4, found \"_b\""},
        {"a b", "at character 2, found \" b\""},
        {"a\x1b[31m", "\\x1b[31m"},
        {"host:0/a", "expected a port number from 1 to 65535 at character 6, found \"0/a\""},
        {"host:65536/a", "at character 6"},
        {"host:/a", "at character 6"},
        {"host:5x/a", "expected \":port\" or \"/\""},
        {"-host.x/a", "expected a host name"},
        {"host-.x/a", "end of a host name's part at character 5"},
        {"[::1/a", "expected \"]\" after an IPv6 address"},
        {"[::1]x/a", "at character 6"},
        {"[12345::1]/a", "expected an IPv6 address"},
        {"[::1%eth0]:1/a", "expected \"]\""},
        {"https://ghcr.io/a/b", "without a URL scheme at character 6"},
        {"alpine@sha256:abc", "after \"@\" at character 7"},
        {"alpine@", "after \"@\" at character 7"},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "image ID"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_VALUE(ref_wipe) struct ref r = {0};
        refused(ref_parse(&r, rows[i].text), ERR_INPUT, rows[i].part);
        assert_null(r.registry);
    }
    struct ref r = {0};
    refused(ref_parse(&r, "alpine@md5:0123456789abcdef0123456789abcdef"), ERR_UNSUPPORTED, NULL);
}

static void suggests_lower_case(void **state)
{
    (void)state;
    struct ref r = {0};
    AUTO(err_free) struct err *e = ref_parse(&r, "ghcr.io/Org/App:V1");
    assert_non_null(e);
    assert_string_equal(err_hint_of(e), "try \"ghcr.io/org/app:V1\"");
}

static void limits(void **state)
{
    (void)state;
    char name[1200] = "h.x/";
    AUTO_VALUE(ref_wipe) struct ref r = {0};
    memset(name + 4, 'a', 255);
    ok(ref_parse(&r, name));
    ref_wipe(&r);
    memset(name + 4, 'a', 256);
    refused(ref_parse(&r, name), ERR_INPUT, "at most 255 characters at character 5");
    memset(name + 4, 'a', 1100);
    refused(ref_parse(&r, name), ERR_INPUT, "1024");
    /* "library/" counts too. */
    memset(name, 'a', 248);
    name[248] = '\0';
    refused(ref_parse(&r, name), ERR_INPUT, "255");

    char tag[160] = "a:";
    memset(tag + 2, 't', 128);
    ok(ref_parse(&r, tag));
    ref_wipe(&r);
    assert_true(ref_tag_valid(tag + 2));
    tag[130] = 't';
    refused(ref_parse(&r, tag), ERR_INPUT, "at most 128");
    assert_false(ref_tag_valid(tag + 2));
    assert_false(ref_tag_valid(""));
    assert_false(ref_tag_valid(".a"));
    assert_false(ref_tag_valid("a/b"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses),
        cmocka_unit_test(refuses),
        cmocka_unit_test(suggests_lower_case),
        cmocka_unit_test(limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
