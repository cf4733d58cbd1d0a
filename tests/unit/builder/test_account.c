/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/str.h"
#include "builder/account.h"

static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
                             "\n"
                             "daemon:x:1:2:daemon:/:/sbin/nologin\r\n"
                             "  app:x:1001:1002::/home/app:/bin/sh\n"
                             "app:x:9:9::/:\n"
                             "1000:x:5:6::/:\n"
                             "broken:x::1:\n"
                             "short\n"
                             "huge:x:4294967295:0::/:\n"
                             "max:x:4294967294:7::/:";
static const char group[] = "root:x:0:\nnobody:x:65533:\napp:x:1500:app,root\nbroken:x:zero:\n";

static void finds(void **state)
{
    static const struct {
        const char *owner;
        uint32_t uid, gid;
        const char *missing;
    } rows[] = {
        {"0", 0, 0, NULL},
        {"1000", 1000, 1000, NULL}, /* a number is its own group, whatever passwd says */
        {"1000:20", 1000, 20, NULL},
        {"root", 0, 0, NULL},
        {"root:root", 0, 0, NULL},
        {"daemon", 1, 2, NULL},
        {"app", 1001, 1002, NULL},
        {"app:nobody", 1001, 65533, NULL},
        {"app:app", 1001, 1500, NULL},
        {"app:7", 1001, 7, NULL},
        {"1000:nobody", 1000, 65533, NULL},
        {"", 0, 0, NULL},
        {":", 0, 0, NULL},
        {":nobody", 0, 65533, NULL},
        {"app:", 1001, 0, NULL},
        {"max", 4294967294, 7, NULL},
        {"2147483647", 2147483647, 2147483647, NULL},
        {"+5", 5, 5, NULL},
        {"007", 7, 7, NULL},
        {"nix", 0, 0, "user"},
        {"nix:nobody", 0, 65533, "user"},
        {"app:nix", 1001, 1002, "group"},
        {"3:nix", 3, 3, "group"},
        {"nix:nix", 0, 0, "user"},
        {"App", 0, 0, "user"},
        {"app:b:c", 1001, 1002, "group"},
        {"1a", 0, 0, "user"},
        {"-", 0, 0, "user"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct account a = {99, 99};
        const char *missing = "?";
        check_ok(account_parse(&a, rows[i].owner, passwd, strlen(passwd), group, strlen(group), &missing));
        if (a.uid != rows[i].uid || a.gid != rows[i].gid || !str_eq(missing, rows[i].missing))
            fail_msg("%s: %u:%u %s", rows[i].owner, a.uid, a.gid, missing ? missing : "");
    }
}

static void errors(void **state)
{
    static const struct {
        const char *owner, *part;
    } rows[] = {
        {"-1", "out of range"},     {"2147483648", "out of range"}, {"0:4294967295", "out of range"},
        {"broken", "/etc/passwd"},  {"short", "/etc/passwd"},       {"huge", "no valid number"},
        {"0:broken", "/etc/group"},
    };
    struct account a = {0};
    const char *missing = NULL;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check_error(account_parse(&a, rows[i].owner, passwd, strlen(passwd), group, strlen(group), &missing),
                    ERR_INPUT, rows[i].part);
}

static void no_files(void **state)
{
    struct account a = {0};
    const char *missing = NULL;
    (void)state;
    check_ok(account_parse(&a, "app:app", NULL, 0, NULL, 0, &missing));
    assert_string_equal(missing, "user");
    check_ok(account_parse(&a, "root:5", NULL, 0, NULL, 0, &missing));
    assert_null(missing);
    check_ok(account_look_up(&a, NULL, "12:13", &missing));
    assert_int_equal(a.gid, 13);
    check_ok(account_look_up(&a, NULL, "app", &missing));
    assert_string_equal(missing, "user");
}

static struct node *add(struct tree *t, const char *dir, const char *name, enum node_type type)
{
    return tree_add(t, tree_make_path(t, dir), name, strlen(name), type);
}

static void set_content(struct node *n, const char *text)
{
    n->content.kind = CONTENT_MEM;
    n->content.mem = text;
    n->size = strlen(text);
}

static void in_a_tree(void **state)
{
    AUTO(tree_free) struct tree *t = tree_new();
    struct account a = {0};
    const char *missing = NULL;
    (void)state;
    set_content(add(t, "etc", "passwd", NODE_FILE), passwd);
    add(t, "etc", "group", NODE_SYMLINK)->target = "../usr/group";
    set_content(add(t, "usr", "group", NODE_FILE), group);
    check_ok(account_look_up(&a, t, "app:nobody", &missing));
    assert_int_equal(a.uid, 1001);
    assert_int_equal(a.gid, 65533);
    assert_null(missing);
    add(t, "usr", "group", NODE_FILE);
    check_ok(account_look_up(&a, t, "app:nobody", &missing));
    assert_string_equal(missing, "group");
    add(t, "usr", "group", NODE_DIR);
    check_error(account_look_up(&a, t, "app:nobody", &missing), ERR_INPUT, "not a regular file");
    check_ok(account_look_up(&a, t, "app:0", &missing)); /* not read when nobody asks */
    struct node *n = add(t, "etc", "passwd", NODE_FILE);
    n->size = ACCOUNT_FILE_MAX + 1;
    n->content.kind = CONTENT_LAYER;
    check_error(account_look_up(&a, t, "app", &missing), ERR_RESOURCE, "larger than");
    n->size = 10;
    check_error(account_look_up(&a, t, "app", &missing), ERR_UNSUPPORTED, "/etc/passwd");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds),
        cmocka_unit_test(errors),
        cmocka_unit_test(no_files),
        cmocka_unit_test(in_a_tree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
