/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "builder/mode.h"

static void changes(void **state)
{
    static const struct {
        const char *text;
        uint32_t before;
        bool dir;
        uint32_t after;
    } rows[] = {
        {"0", 0777, false, 0},
        {"644", 0777, false, 0644},
        {"0755", 0600, true, 0755},
        {"4755", 0600, false, 04755},
        {"7777", 0, false, 07777},
        {"000000000000000000000644", 0, false, 0644},
        {"go-w", 0666, false, 0644},
        {"u=rw,g=r,o=r", 0666, false, 0644},
        {"a+X", 0666, false, 0666},
        {"a+X", 0124, true, 0135},
        {"u+rw,g+r,o-x,o+w", 0124, true, 0766},
        {"u=rwX,go=rX", 0755, false, 0644}, /* X counts after + only */
        {"+x", 0644, false, 0755},
        {"+X", 0644, false, 0644},
        {"+X", 0744, false, 0755},
        {"+X", 0644, true, 0755},
        {"=rw,+X", 0755, false, 0777},
        {"u+x,+X", 0644, false, 0744}, /* X asks what was before */
        {"-x", 0777, false, 0666},
        {"u-x,g-x", 0777, false, 0667},
        {"u=", 0777, false, 0077},
        {"go=", 0755, false, 0700},
        {"=", 07777, false, 01000},
        {"a=r", 0777, false, 0444},
        {"ug+rw", 0004, false, 0664},
        {"u+s", 0755, false, 04755},
        {"g+s", 0755, true, 02755},
        {"o+s", 0755, false, 0755},
        {"+s", 0755, false, 06755},
        {"+t", 0777, true, 01777},
        {"o+t", 0777, true, 0777},
        {"u+t", 0777, true, 01777},
        {"-t", 01777, true, 0777},
        {"g=u", 0750, false, 0770},
        {"o=g", 0750, false, 0755},
        {"u=g", 0750, false, 0550},
        {"go=u-w", 0755, false, 0755},
        {"go=u-w", 0700, false, 0755},
        {"g+u", 0640, false, 0660},
        {"o-u", 0646, false, 0640},
        {"+g", 0050, false, 0555},
        {"u+r-w", 0200, false, 0400},
        {"u+rwx,go-rwx", 0177, true, 0700},
        {"a-rwx,u+r", 0777, false, 0400},
        {"ugo+rw", 0, false, 0666},
        {"uuu+r", 0, false, 0400},
        {"+", 0644, false, 0644},
        {"u+,g-", 0644, false, 0644},
        {"a=rwxs", 01000, false, 07777},
        {"a=rwx", 06000, false, 0777},
        {"u=rwx", 04077, false, 0777},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_VALUE(mode_wipe) struct mode_set set = {0};
        check_ok(mode_parse(&set, rows[i].text));
        uint32_t after = mode_apply(&set, rows[i].before, rows[i].dir);
        if (after != rows[i].after)
            fail_msg("%s on %o: %o, expected %o", rows[i].text, rows[i].before, after, rows[i].after);
    }
}

static void octal(void **state)
{
    AUTO_VALUE(mode_wipe) struct mode_set set = {0};
    (void)state;
    check_ok(mode_parse(&set, "0750"));
    assert_true(set.octal);
    assert_int_equal(set.bits, 0750);
}

static void errors(void **state)
{
    static const struct {
        const char *text, *part;
    } rows[] = {
        {"64a", "--chmod=64a is not valid: the number must be octal"},
        {"10000", "--chmod=10000 is not valid"},
        {"99", "octal"},
        {"40000000000000000000000", "octal"},
        {"u", "expected a mode"},
        {"", "expected a mode"},
        {"x", "expected a mode"},
        {"u+q", "expected a mode"},
        {"u+r,", "expected a mode"},
        {",u+r", "expected a mode"},
        {"u+r g+r", "expected a mode"},
        {"rwx", "expected a mode"},
        {"+x\n", "expected a mode"},
        {"-644", "expected a mode"},
        {" 644", "expected a mode"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_VALUE(mode_wipe) struct mode_set set = {0};
        check_error(mode_parse(&set, rows[i].text), ERR_INPUT, rows[i].part);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes),
        cmocka_unit_test(octal),
        cmocka_unit_test(errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
