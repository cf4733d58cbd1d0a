/* SPDX-License-Identifier: Apache-2.0 */
#include "box.h"

static enum sandbox_ids ids;

static void says_what_it_did(void **state)
{
    AUTO(box_free) struct box *b = box_make(ids);

    (void)state;
    box_check(b, "echo out; echo err >&2; id -u; exit 3", 3, "out\nerr\n0\n");
    box_check(b, "sh -c 'kill -9 $$'; exit $?", 137, "Killed\n");
    box_check(b, "echo hello >/etc/new; rm /etc/hosts; mkdir /d; echo x >/d/f", 0, "");
    assert_true(box_has(b, "upper/etc/new"));
    box_check(b, "cat /etc/new /d/f; ls /etc", 0, "hello\nx\nnew\n");
}

static int run(enum sandbox_ids with, const char *name)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_it_did),
    };

    ids = with;
    return _cmocka_run_group_tests(name, tests, ARRAY_LEN(tests), NULL, NULL);
}

static int plain(void)
{
    return run(SANDBOX_SINGLE, "single");
}

static int root(void)
{
    return run(SANDBOX_HOST, "host");
}

int main(void)
{
    return box_main(plain, root);
}
