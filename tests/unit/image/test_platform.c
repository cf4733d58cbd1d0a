/* SPDX-License-Identifier: Apache-2.0 */
#include "help.h"

#include "base/json.h"
#include "base/str.h"
#include "image/platform.h"

static void parses(void **state)
{
    static const struct {
        const char *text, *normal;
    } rows[] = {
        {"linux/amd64", "linux/amd64"},     {"linux/x86_64", "linux/amd64"},
        {"linux/amd64/v1", "linux/amd64"},  {"linux/amd64/v3", "linux/amd64/v3"},
        {"linux/arm64", "linux/arm64"},     {"linux/arm64/v8", "linux/arm64"},
        {"linux/aarch64/8", "linux/arm64"}, {"linux/arm", "linux/arm/v7"},
        {"linux/arm/6", "linux/arm/v6"},    {"linux/armhf", "linux/arm/v7"},
        {"linux/armel", "linux/arm/v6"},    {"Linux/AMD64", "linux/amd64"},
        {"linux/i386", "linux/386"},        {"linux/riscv64", "linux/riscv64"},
        {"macos/arm64", "darwin/arm64"},    {"windows(10.0.17763)/amd64", "windows/amd64"},
    };
    char text[PLATFORM_TEXT];
    struct platform p, host = platform_host();
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        ok(platform_parse(&p, rows[i].text));
        assert_string_equal(platform_text(&p, text), rows[i].normal);
        assert_true(platform_is_set(&p));
    }
    assert_string_equal(p.os_version, "10.0.17763");
    ok(platform_parse(&p, "linux"));
    assert_string_equal(p.architecture, host.architecture);
    ok(platform_parse(&p, "arm"));
    assert_string_equal(platform_text(&p, text), "linux/arm/v7");
    ok(platform_parse(&p, "aarch64"));
    assert_string_equal(platform_text(&p, text), "linux/arm64");
}

static void refuses(void **state)
{
    static const char *const rows[] = {
        "",
        "/",
        "linux/",
        "/amd64",
        "linux/amd64/v2/x",
        "plan10",
        "li nux/amd64",
        "linux/../x",
        "linux(",
        "a(b)c",
        "linux/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "linux//v7",
    };
    struct platform p;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        refused(platform_parse(&p, rows[i]), ERR_USAGE, "platform \"");
}

static void matches(void **state)
{
    /* The first have that fits best is what containerd takes. */
    static const struct {
        const char *want, *better, *worse; /* worse "": any match at all; better "": no match */
    } rows[] = {
        {"linux/amd64", "linux/amd64", "linux/386"},
        {"linux/arm/v7", "linux/arm/v7", "linux/arm/v6"},
        {"linux/arm/v7", "linux/arm/v6", "linux/arm/v5"},
        {"linux/arm/v6", "", "linux/arm/v7"},
        {"linux/amd64", "", "linux/amd64/v2"},
        {"linux/amd64/v3", "linux/amd64/v2", "linux/amd64"},
        {"linux/amd64/v3", "linux/amd64", "linux/386"},
        {"linux/arm64", "linux/arm64/v8", "linux/arm/v7"},
        {"linux/arm64", "", "linux/arm64/v9"},
        {"linux/arm64/v9", "linux/arm64/v8.5", "linux/arm64/v8"},
        {"linux/arm64/v9", "", "linux/arm64/v8.6"},
        {"linux/arm64", "", "darwin/arm64"},
        {"linux/s390x", "", "linux/amd64"},
        {"linux/386", "", "linux/amd64"},
        {"windows(10.0.17763)/amd64", "windows(10.0.17763.99)/amd64", ""},
        {"windows(10.0.17763.1)/amd64", "", "windows(10.0.20348)/amd64"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct platform want, better = {0}, worse = {0};
        ok(platform_parse(&want, rows[i].want));
        if (*rows[i].better)
            ok(platform_parse(&better, rows[i].better));
        if (*rows[i].worse)
            ok(platform_parse(&worse, rows[i].worse));
        int good = platform_match(&want, &better), bad = platform_match(&want, &worse);
        if (!*rows[i].better)
            assert_int_equal(bad, 0);
        else
            assert_true(good > bad);
        if (*rows[i].better && *rows[i].worse)
            assert_true(bad > 0);
    }
}

static void json(void **state)
{
    struct platform p, q = {.os = "linux", .architecture = "arm64"};
    AUTO(json_decref) json_t *object = NULL, *wrong = NULL;
    static const char text[] =
        "{\"architecture\":\"arm64\",\"os\":\"linux\",\"os.version\":\"1.2\",\"variant\":\"v8\"}";
    (void)state;
    ok(json_parse(&object, text, strlen(text), "test"));
    ok(platform_from_json(&p, object, "test"));
    assert_string_equal(p.variant, "v8");
    AUTO(json_decref) json_t *back = platform_to_json(&p);
    AUTO(mem_free) char *printed = json_text(back);
    assert_string_equal(printed, text);
    p.os_version[0] = '\0';
    assert_true(platform_equal(&p, &q));
    ok(platform_from_json(&p, NULL, "test"));
    assert_false(platform_is_set(&p));
    ok(json_parse(&wrong, "{\"os\":\"a/b\"}", 12, "test"));
    refused(platform_from_json(&p, wrong, "test"), ERR_INPUT, "test: key os: \"a/b\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses),
        cmocka_unit_test(refuses),
        cmocka_unit_test(matches),
        cmocka_unit_test(json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
