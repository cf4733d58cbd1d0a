/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/clock.h"
#include "registry/client.h"
#include "registry/retry.h"

static void worth(void **state)
{
    static const struct {
        int status;
        bool again;
    } rows[] = {
        {400, false}, {401, false}, {403, false}, {404, false}, {405, false}, {408, true},  {409, false},
        {412, false}, {413, false}, {416, false}, {425, true},  {429, true},  {499, true},  {500, true},
        {501, false}, {502, true},  {503, true},  {504, true},  {522, true},  {200, false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(err_free) struct err *e = err_http(rows[i].status, "x");
        assert_int_equal(retry_is_worth(e), rows[i].again);
        assert_int_equal(client_status_passes(rows[i].status), rows[i].again);
    }
}

static void backs_off(void **state)
{
    (void)state;
    for (unsigned tried = 0; tried < 40; tried++) {
        unsigned most = tried < 6 ? 500u << tried : 30000;
        for (uint64_t random = 0; random < 100000; random += 97) {
            unsigned ms = retry_backoff_ms(tried, random);
            assert_in_range(ms, 1, most);
        }
        assert_int_equal(retry_backoff_ms(tried, UINT64_MAX / most * most - 1), most);
    }
}

static void reads_retry_after(void **state)
{
    static const struct {
        const char *value;
        bool ok;
        unsigned ms;
    } rows[] = {
        {"0", true, 0},
        {"120", true, 120000},
        {"1000000000", true, 1000000000},
        {"99999999999999999999", false, 0},
        {"-5", false, 0},
        {"1.5", false, 0},
        {"", false, 0},
        {"soon", false, 0},
        {"Fri, 20 Nov 2026 12:00:30 GMT", true, 30000}, /* IMF-fixdate */
        {"Friday, 20-Nov-26 12:00:30 GMT", true, 30000},
        {"Fri Nov 20 12:00:30 2026", true, 30000},
        {"Fri, 20 Nov 2026 11:59:59 GMT", false, 0}, /* past */
        {"Fri, 20 Nov 2026 12:00:30 GMT x", false, 0},
        {"Fri, 32 Nov 2026 12:00:30 GMT", false, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        unsigned ms = 0;
        bool ok = retry_after(rows[i].value, 1795176000, &ms);
        bool capped = rows[i].ms == 1000000000;
        if (ok != rows[i].ok || (ok && !capped && ms != rows[i].ms))
            fail_msg("%s: %d, %u", rows[i].value, ok, ms);
    }
}

static unsigned run(const struct retry_policy *policy, enum err_kind kind, unsigned asked_ms,
                    struct err **last)
{
    struct retry r;
    struct err *e;
    unsigned calls = 0;
    retry_begin(&r, policy);
    do {
        calls++;
        e = err_new(kind, "it failed");
    } while (retry_again(&r, &e, asked_ms));
    *last = e;
    return calls;
}

static void notes(void *ctx, const struct event *e)
{
    unsigned *count = ctx;
    assert_int_equal(e->kind, EVENT_NOTE);
    assert_non_null(strstr(e->text, "it failed; trying again (2 of 2) in "));
    (*count)++;
}

static void loops(void **state)
{
    unsigned noted = 0;
    struct events events = {.emit = notes, .ctx = &noted};
    const struct retry_policy two = {.tries = 2, .budget_ms = 10000, .events = &events};
    struct err *e;
    (void)state;
    assert_int_equal(run(&two, ERR_NETWORK, 0, &e), 2);
    check_error(e, ERR_NETWORK, "gave up after 2 tries: it failed");
    assert_int_equal(noted, 1);
    assert_int_equal(run(&two, ERR_DENIED, 0, &e), 1);
    check_error(e, ERR_DENIED, "it failed");
    /* Longer than all the time there is: at once. */
    uint64_t from = clock_ms();
    assert_int_equal(run(&two, ERR_NETWORK, 3600000, &e), 1);
    check_error(e, ERR_NETWORK, "asks to wait 3600 s");
    assert_true(clock_ms() - from < 1000);
    /* No error, no try. */
    struct retry r;
    struct err *none = NULL;
    retry_begin(&r, &two);
    assert_false(retry_again(&r, &none, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(worth),
        cmocka_unit_test(backs_off),
        cmocka_unit_test(reads_retry_after),
        cmocka_unit_test(loops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
