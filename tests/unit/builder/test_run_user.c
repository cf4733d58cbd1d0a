/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/buf.h"
#include "base/str.h"
#include "builder/run_user.h"

#include <string.h>

static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\nodd:x:5::\n";
static const char group[] = "root:x:0:root\nbin:x:1:root,bin\nstaff:x:50:app\napp:x:1001:\n";

static void finds(void **state)
{
    static const struct {
        const char *user;
        uint32_t uid, gid;
        const char *groups, *home;
    } rows[] = {
        {"", 0, 0, "0 1", "/root"},
        {"root", 0, 0, "0 1", "/root"},
        {"0", 0, 0, "0 1", "/root"},
        {"0:0", 0, 0, "0", "/root"},
        {"root:root", 0, 0, "0", "/root"},
        {"app", 1000, 1001, "1001 50", "/home/app"},
        {"1000", 1000, 1001, "1001 50", "/home/app"},
        {"app:staff", 1000, 50, "50", "/home/app"},
        {"1000:50", 1000, 50, "50", "/home/app"},
        {"7", 7, 0, "0", "/"},
        {"7:8", 7, 8, "8", "/"},
        {":staff", 0, 50, "50", "/root"},
        {"odd", 5, 0, "0", "/"},
        {"app:9", 1000, 9, "9", "/home/app"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_VALUE(run_user_wipe) struct run_user u = {0};
        AUTO_VALUE(buf_wipe) struct buf groups = BUF(BUF_NO_LIMIT);
        check_ok(run_user_parse(&u, rows[i].user, passwd, strlen(passwd), group, strlen(group)));
        for (size_t k = 0; k < u.group_count; k++)
            buf_printf(&groups, "%s%u", k ? " " : "", u.groups[k]);
        if (u.uid != rows[i].uid || u.gid != rows[i].gid || !str_eq(buf_text(&groups), rows[i].groups) ||
            !str_eq(u.home, rows[i].home))
            fail_msg("\"%s\": %u:%u, groups %s, home %s", rows[i].user, u.uid, u.gid, buf_text(&groups),
                     u.home);
    }
}

static void refuses(void **state)
{
    static const struct {
        const char *user, *message;
    } rows[] = {
        {"nix", "unable to find user nix: no matching entries in passwd file"},
        {"app:nix", "unable to find group nix: no matching entries in group file"},
        {"4294967296", "uids and gids must be in range 0-2147483647: 4294967296"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct run_user u = {0};
        AUTO(err_free)
        struct err *e = run_user_parse(&u, rows[i].user, passwd, strlen(passwd), group, strlen(group));
        assert_non_null(e);
        assert_string_equal(err_message(e), rows[i].message);
    }
}

static void needs_no_files(void **state)
{
    AUTO_VALUE(run_user_wipe) struct run_user u = {0};
    (void)state;
    check_ok(run_user_parse(&u, "", NULL, 0, NULL, 0));
    assert_int_equal(u.uid, 0);
    assert_string_equal(u.home, "/");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(finds), cmocka_unit_test(refuses),
                                       cmocka_unit_test(needs_no_files)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
