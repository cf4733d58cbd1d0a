/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "builder/gotext.h"
#include "builder/port.h"
#include "builder/signalname.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void expose_words_become_ports(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want; /* NULL: refused */
    } cases[] = {
        {"80", "80/tcp"},
        {"80/udp", "80/udp"},
        {"53/UDP", "53/udp"},
        {"9/sctp", "9/sctp"},
        {"8000-8002", "8000/tcp 8001/tcp 8002/tcp"},
        {"8000-8001/udp", "8000/udp 8001/udp"},
        {"8080:80", "80/tcp"},
        {"127.0.0.1:8080:80/tcp", "80/tcp"},
        {"9000-9001:80-81", "80/tcp 81/tcp"},
        {"0", "0/tcp"},
        {"", NULL},
        {"/tcp", NULL},
        {"80/", NULL},
        {"80/http", NULL},
        {"65536", NULL},
        {"-1", NULL},
        {"90-80", NULL},
        {"80x", NULL},
        {"9000-9002:80-81", NULL},
        {"x:80", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_VALUE(strlist_wipe) struct strlist ports = {0};
        AUTO(err_free) struct err *e = port_parse(&ports, cases[i].text);
        AUTO(mem_free) char *got = strlist_join(&ports, " ");
        if (!cases[i].want) {
            assert_non_null(e);
            assert_int_equal(err_kind_of(e), ERR_INPUT);
            continue;
        }
        assert_null(e);
        assert_string_equal(got, cases[i].want);
    }
}

static void signals_are_names_or_numbers(void **state)
{
    (void)state;
    static const char *const good[] = {"SIGTERM", "term",       "15",       "1",
                                       "64",      "SIGRTMIN+3", "RTMAX-14", "sigusr1"};
    static const char *const bad[] = {"", "0", "65", "SIG", "SIGFOO", "TERM ", "RTMIN+16", "-9", "RTMIN+0"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_true(signalname_valid(good[i]));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(signalname_valid(bad[i]));
}

static void durations_print_as_in_go(void **state)
{
    (void)state;
    static const struct {
        int64_t ns;
        const char *want;
    } cases[] = {
        {0, "0s"},
        {1, "1ns"},
        {1500, "1.5\xc2\xb5s"},
        {2000000, "2ms"},
        {300000000, "300ms"},
        {1000000000, "1s"},
        {1500000000, "1.5s"},
        {30000000000, "30s"},
        {90000000000, "1m30s"},
        {3600000000000, "1h0m0s"},
        {5400500000000, "1h30m0.5s"},
        {-1000000000, "-1s"},
        {INT64_MIN, "-2562047h47m16.854775808s"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_VALUE(buf_wipe) struct buf out = BUF(100);
        gotext_duration(&out, cases[i].ns);
        assert_string_equal(buf_text(&out), cases[i].want);
    }
}

static void lists_print_as_in_go(void **state)
{
    (void)state;
    AUTO_VALUE(strlist_wipe) struct strlist list = {0};
    AUTO_VALUE(buf_wipe) struct buf quoted = BUF(200), plain = BUF(200);
    strlist_add(&list, "/bin/sh");
    strlist_add(&list, "say \"hi\"\n\\ \x01\x7f\xc3\xa9");
    gotext_quoted_list(&quoted, &list);
    gotext_list(&plain, &list);
    assert_string_equal(buf_text(&quoted), "[\"/bin/sh\" \"say \\\"hi\\\"\\n\\\\ \\x01\\x7f\xc3\xa9\"]");
    assert_string_equal(buf_text(&plain), "[/bin/sh say \"hi\"\n\\ \x01\x7f\xc3\xa9]");
    buf_wipe(&plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expose_words_become_ports),
        cmocka_unit_test(signals_are_names_or_numbers),
        cmocka_unit_test(durations_print_as_in_go),
        cmocka_unit_test(lists_print_as_in_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
