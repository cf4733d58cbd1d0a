/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "registry/notices.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

static void reads_warnings(void **state)
{
    static const struct {
        const char *value, *text;
    } rows[] = {
        {"299 - \"deprecated: use v2\"", "deprecated: use v2"},
        {"  299 - \"a\"", "a"},
        {"299 - \"say \\\"hi\\\"\"", "say \"hi\""},
        {"299 registry.example.com \"a\"", "a"},
        {"299 - \"a\x1b[31mb\"", "a\\x1b[31mb"},
        {"199 - \"a\"", NULL},
        {"299 - a", NULL},
        {"299 - \"a", NULL},
        {"299", NULL},
        {"299 -", NULL},
        {"", NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(mem_free) char *text = notices_text(rows[i].value);
        if (!str_eq(text, rows[i].text))
            print_message("row %zu: %s\n", i, text ? text : "none");
        assert_true(str_eq(text, rows[i].text));
    }
}

static void reads_quotas(void **state)
{
    static const struct {
        const char *limit, *left;
        bool found;
        struct notices_quota quota;
    } rows[] = {
        {"100;w=21600", "76;w=21600", true, {100, 76, 21600}},
        {"100", "0", true, {100, 0, 0}},
        {"100;w=x", "3", true, {100, 3, 0}},
        {"0;w=1", "0;w=1", false, {0}},
        {"many", "3", false, {0}},
        {"100", NULL, false, {0}},
        {NULL, "3", false, {0}},
        {"-1", "-1", false, {0}},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_VALUE(strmap_wipe) struct strmap headers = {0};
        struct notices_quota q = {0};
        if (rows[i].limit)
            strmap_add(&headers, "ratelimit-limit", rows[i].limit);
        if (rows[i].left)
            strmap_add(&headers, "ratelimit-remaining", rows[i].left);
        assert_int_equal(notices_quota(&q, &headers), rows[i].found);
        assert_int_equal(q.limit, rows[i].quota.limit);
        assert_int_equal(q.left, rows[i].quota.left);
        assert_int_equal(q.window_s, rows[i].quota.window_s);
    }
}

static void collect(void *ctx, const struct event *e)
{
    assert_int_equal(e->kind, EVENT_WARNING);
    strlist_add(ctx, e->text);
}

static void tells_each_once(void **state)
{
    AUTO_VALUE(strlist_wipe) struct strlist told = {0};
    AUTO_VALUE(strmap_wipe) struct strmap headers = {0};
    AUTO_VALUE(notices_wipe) struct notices n = {0};
    const struct events events = {.emit = collect, .ctx = &told};
    (void)state;
    strmap_add(&headers, "warning", "299 - \"one\"");
    strmap_add(&headers, "warning", "299 - \"two\"");
    strmap_add(&headers, "ratelimit-limit", "100;w=21600");
    strmap_add(&headers, "ratelimit-remaining", "9;w=21600");
    for (int i = 0; i < 3; i++)
        notices_take(&n, &events, "docker.io", &headers);
    assert_int_equal(told.count, 3);
    assert_string_equal(told.item[0], "docker.io: 9 of the 100 pulls in 6 hours that it allows are left");
    assert_string_equal(told.item[1], "docker.io says: one");
    assert_string_equal(told.item[2], "docker.io says: two");
    for (int i = 0; i < 100; i++) {
        AUTO_VALUE(strmap_wipe) struct strmap more = {0};
        AUTO(mem_free) char *value = mem_printf("299 - \"%d\"", i);
        strmap_add(&more, "warning", value);
        notices_take(&n, &events, "docker.io", &more);
    }
    assert_int_equal(told.count, 1 + NOTICES_MAX);
}

static void tells_a_quota_from_haste(void **state)
{
    static const struct {
        const char *left, *body;
        bool quota;
    } rows[] = {
        {"0;w=21600", "", true},
        {"5;w=21600", "You have reached your pull rate limit.", false},
        {NULL, "{\"errors\":[{\"message\":\"You have reached your pull rate limit.\"}]}", true},
        {NULL, "Too Many Requests (HAP429).", false},
        {NULL, "", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_VALUE(strmap_wipe) struct strmap headers = {0};
        AUTO_VALUE(buf_wipe) struct buf body = BUF(BUF_NO_LIMIT);
        buf_str(&body, rows[i].body);
        if (rows[i].left) {
            strmap_add(&headers, "ratelimit-limit", "100;w=21600");
            strmap_add(&headers, "ratelimit-remaining", rows[i].left);
        }
        assert_int_equal(notices_is_quota(&headers, &body), rows[i].quota);
        struct err *e = notices_quota_hint(err_new(ERR_NETWORK, "x"), "docker.io", &headers);
        assert_non_null(strstr(err_hint_of(e), "lade login docker.io"));
        err_free(e);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_warnings),
        cmocka_unit_test(reads_quotas),
        cmocka_unit_test(tells_each_once),
        cmocka_unit_test(tells_a_quota_from_haste),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
