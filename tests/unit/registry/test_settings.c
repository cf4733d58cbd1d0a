/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/str.h"
#include "registry/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

static void parse(struct settings *out, const char *text)
{
    struct err *e = settings_parse(out, text, strlen(text), "/etc/lade.json");
    if (e)
        print_message("%s\n", err_message(e));
    assert_null(e);
}

static void takes_all_keys(void **state)
{
    AUTO_VALUE(settings_wipe) struct settings s = {0};
    (void)state;
    parse(&s, "{\"registries\": {\n"
              "  \"docker.io\": {\"mirrors\": [\"mirror.example.com:5000\","
              "     {\"location\": \"harbor.example.com/hub\", \"pull\": \"digest-only\"}]},\n"
              "  \"Mirror.example.com:5000\": {\"plain-http\": true, \"insecure-skip-verify\": false,\n"
              "     \"ca\": \"ca.pem\", \"cert\": \"/c\", \"key\": \"k\", \"cert-dir\": \"d\",\n"
              "     \"concurrent-reads\": 3, \"concurrent-writes\": 2, \"requests-per-second\": 2.5,\n"
              "     \"chunk-size\": \"10m\", \"tries\": 7, \"retry-budget\": \"90s\"},\n"
              "  \"old.example.com\": {\"blocked\": true}}}");
    assert_int_equal(s.count, 3);
    const struct settings_entry *hub = settings_for(&s, "docker.io", "library/alpine");
    assert_non_null(hub);
    assert_int_equal(hub->mirror_count, 2);
    assert_string_equal(hub->mirror[0].place.host, "mirror.example.com:5000");
    assert_string_equal(hub->mirror[0].place.path, "");
    assert_false(hub->mirror[0].digest_only);
    assert_string_equal(hub->mirror[1].place.path, "hub");
    assert_true(hub->mirror[1].digest_only);
    const struct host_settings *h = settings_of_host(&s, "mirror.example.com:5000");
    assert_true(h->plain_http);
    assert_false(h->insecure_skip_verify);
    assert_string_equal(h->ca, "/etc/ca.pem");
    assert_string_equal(h->cert, "/c");
    assert_string_equal(h->key, "/etc/k");
    assert_string_equal(h->cert_dir, "/etc/d");
    assert_int_equal(h->reads, 3);
    assert_int_equal(h->writes, 2);
    assert_true(h->rate > 2.4 && h->rate < 2.6);
    assert_int_equal(h->chunk_size, 10 << 20);
    assert_int_equal(h->tries, 7);
    assert_int_equal(h->budget_ms, 90000);
    assert_true(settings_for(&s, "old.example.com", "a")->blocked);
    assert_int_equal(settings_for(&s, "old.example.com", "a")->line, 7);
}

/* The mistakes of a document, one part of the message each. */
static void shows_mistakes(void **state)
{
    static const struct {
        const char *text;
        const char *parts[4];
    } rows[] = {
        {"", {"/etc/lade.json:1:1: "}},
        {"{\n \"registries\": {,}}", {"/etc/lade.json:2:17: ", "2 |  \"registries\": {,}}", "^"}},
        {"[]", {":1:1: this is no configuration", "expected an object with \"registries\""}},
        {"{\"registry\": {}}", {":1:2: unknown key \"registry\"", "expected registries"}},
        {"{\"registries\": []}", {":1:16: \"registries\" has a wrong value", "an entry for each registry"}},
        {"{\"registries\": {\"a.b\": 1}}", {":1:24: \"a.b\" has a wrong value", "expected an object"}},
        {"{\"registries\": {\n\"a.b\": {\"Mirors\": 1}}}",
         {":2:9: unknown key \"Mirors\"", "   2 | \"a.b\": {\"Mirors\": 1}}}", "^~~~~~~",
          "did you mean mirrors?"}},
        {"{\"registries\": {\"a.b\": {\"mirrors\": 1}}}", {"expected an array of mirrors"}},
        {"{\"registries\": {\"a.b\": {\"mirrors\": [1]}}}", {":1:37: ", "expected a registry"}},
        {"{\"registries\": {\"a.b\": {\"mirrors\": [\"https://m.c\"]}}}",
         {"\"https://m.c\" names no registry", "leave the scheme out"}},
        {"{\"registries\": {\"a.b\": {\"mirrors\": [{}]}}}", {"a mirror without a place"}},
        {"{\"registries\": {\"a.b\": {\"mirrors\": [{\"location\": \"m.c\", \"pull\": \"no\"}]}}}",
         {"expected \"all\" or \"digest-only\""}},
        {"{\"registries\": {\"a.b\": {\"mirrors\": [{\"place\": \"m.c\"}]}}}",
         {"unknown key \"place\"", "expected location or pull"}},
        {"{\"registries\": {\"ubuntu\": {}}}", {"\"ubuntu\" names no registry", "docker.io/library"}},
        {"{\"registries\": {\"a.b/C\": {}}}", {":1:17: \"a.b/C\" names no registry"}},
        {"{\"registries\": {\"a.b:tag/x:1\": {}}}", {"names no registry"}},
        {"{\"registries\": {\"*\": {}}}", {"\"*\" names no registry", "*.example.com"}},
        {"{\"registries\": {\"a.b\": {\"plain-http\": \"yes\"}}}", {"expected true or false"}},
        {"{\"registries\": {\"a.b\": {\"concurrent-reads\": 0}}}", {"expected a whole number from 1 to 64"}},
        {"{\"registries\": {\"a.b\": {\"tries\": 2.5}}}", {"expected a whole number from 1 to 100"}},
        {"{\"registries\": {\"a.b\": {\"requests-per-second\": 0}}}", {"expected a number from"}},
        {"{\"registries\": {\"a.b\": {\"chunk-size\": \"1k\"}}}", {"expected a size from"}},
        {"{\"registries\": {\"a.b\": {\"retry-budget\": 5}}}", {"expected a time as"}},
        {"{\"registries\": {\"a.b\": {\"ca\": true}}}", {"expected the name of a file"}},
        {"{\"registries\": {\"a.b\": {\"cert\": \"x\"}}}", {"\"cert\" and \"key\" need each other"}},
        {"{\"registries\": {\"a.b/c\": {\"plain-http\": true}}}",
         {"is said of a host as a whole", "put it into the entry \"a.b\""}},
        {"{\"registries\": {\"a.b\": {\"blocked\": true, \"location\": \"c.d\"}}}", {"leaves no place for"}},
        {"{\"registries\": {\"a.b\": {\"location\": \"a.b/c\"}}}", {"the location is below its own prefix"}},
        {"{\"registries\": {\"docker.io\": {}, \n \"index.docker.io\": {}}}",
         {":2:2: \"index.docker.io\" is the same registry as \"docker.io\" in line 1"}},
        {"{\"registries\": {\"a.b\": {}, \"a.b\": {}}}", {"duplicate"}},
        {"{\"registries\": {\"a.b\": {\"tries\": 0, \"mirrors\": 0}}}", {"2 mistakes in /etc/lade.json"}},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_VALUE(settings_wipe) struct settings s = {0};
        struct err *e = settings_parse(&s, rows[i].text, strlen(rows[i].text), "/etc/lade.json");
        if (!e)
            print_message("taken: %s\n", rows[i].text);
        assert_non_null(e);
        assert_int_equal(err_kind_of(e), ERR_INPUT);
        AUTO(mem_free)
        char *all = mem_printf("%s\n%s", err_message(e), err_hint_of(e) ? err_hint_of(e) : "");
        for (size_t k = 0; k < ARRAY_LEN(rows[i].parts) && rows[i].parts[k]; k++) {
            if (!strstr(all, rows[i].parts[k]))
                print_message("row %zu: no \"%s\" in: %s\n", i, rows[i].parts[k], all);
            assert_non_null(strstr(all, rows[i].parts[k]));
        }
        err_free(e);
    }
}

static void finds_the_longest_prefix(void **state)
{
    static const struct {
        const char *host, *repository;
        const char *shown; /* NULL: none */
        const char *host_entry;
    } rows[] = {
        {"docker.io", "library/alpine", "docker.io/library", "docker.io"},
        {"index.docker.io", "library/alpine", "docker.io/library", "docker.io"},
        {"docker.io", "libraryx/alpine", "docker.io", "docker.io"},
        {"docker.io", "library", "docker.io/library", "docker.io"},
        {"a.example.com", "x/y", "*.example.com", "*.example.com"},
        {"A.Example.com", "x/y", "*.example.com", "*.example.com"},
        {"a.b.example.com", "x", "*.b.example.com", "*.b.example.com"},
        {"c.example.com", "x", "c.example.com", "c.example.com"},
        {"c.example.com:443", "x", "c.example.com", "c.example.com"},
        {"example.com", "x", NULL, NULL},
        {"d.example.com", "team/app", "*.example.com/team", "*.example.com"},
        {"c.example.com", "team/app", "c.example.com", "c.example.com"},
        {"[::1]:5000", "a/b", "[::1]:5000/a", NULL},
    };
    AUTO_VALUE(settings_wipe) struct settings s = {0};
    (void)state;
    parse(&s, "{\"registries\": {\"docker.io\": {\"tries\": 1}, \"docker.io/library\": {},"
              "\"*.example.com\": {\"tries\": 2}, \"*.b.example.com\": {\"tries\": 3}, \"c.example.com\": "
              "{\"tries\": 4},"
              "\"*.example.com/team\": {}, \"[::1]:5000/a\": {}}}");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct settings_entry *e = settings_for(&s, rows[i].host, rows[i].repository);
        const struct settings_entry *h = settings_for(&s, rows[i].host, "");
        if (!str_eq(e ? e->shown : NULL, rows[i].shown) || !str_eq(h ? h->shown : NULL, rows[i].host_entry))
            print_message("row %zu: %s, %s\n", i, e ? e->shown : "none", h ? h->shown : "none");
        assert_true(str_eq(e ? e->shown : NULL, rows[i].shown));
        assert_true(str_eq(h ? h->shown : NULL, rows[i].host_entry));
        assert_int_equal(settings_of_host(&s, rows[i].host)->tries, h ? h->host.tries : 0);
    }
}

static void moves_names(void **state)
{
    static const struct {
        const char *prefix, *to, *repository, *moved;
    } rows[] = {
        {"docker.io", "m.example.com/hub", "library/alpine", "hub/library/alpine"},
        {"docker.io", "m.example.com", "library/alpine", "library/alpine"},
        {"docker.io/library", "m.example.com/hub", "library/alpine", "hub/alpine"},
        {"docker.io/library", "m.example.com", "library/alpine", "alpine"},
        {"docker.io/o/app", "m.example.com/x", "o/app", "x"},
        {"docker.io/o/app", "m.example.com", "o/app", ""},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_VALUE(settings_wipe) struct settings s = {0};
        AUTO(mem_free)
        char *text =
            mem_printf("{\"registries\": {\"%s\": {\"location\": \"%s\"}}}", rows[i].prefix, rows[i].to);
        parse(&s, text);
        AUTO(mem_free) char *moved = settings_moved(&s.entry[0], &s.entry[0].location, rows[i].repository);
        assert_string_equal(moved, rows[i].moved);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_all_keys),
        cmocka_unit_test(shows_mistakes),
        cmocka_unit_test(finds_the_longest_prefix),
        cmocka_unit_test(moves_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
