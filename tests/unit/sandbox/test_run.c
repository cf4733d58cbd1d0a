/* SPDX-License-Identifier: Apache-2.0 */
#include "box.h"

#include <sys/resource.h>
#include <time.h>

/* What holds in every way of running a command. */
static enum sandbox_ids ids;

static void says_what_it_did(void **state)
{
    AUTO(box_free) struct box *b = box_make(ids);
    const char *changed = ids == SANDBOX_CHROOT ? "lower" : "upper";

    (void)state;
    box_check(b, "echo out; echo err >&2; id -u; exit 3", 3, "out\nerr\n0\n");
    box_check(b, "sh -c 'kill -9 $$'; exit $?", 137, "Killed\n");
    box_check(b, "echo hello >/etc/new; rm /etc/hosts; mkdir /d; echo x >/d/f", 0, "");
    AUTO(mem_free) char *made = mem_printf("%s/etc/new", changed);
    assert_true(box_has(b, made));
    box_check(b, "cat /etc/new /d/f; ls /etc", 0, "hello\nx\nnew\n");
    assert_false(box_has(b, "work/work"));
}

static void try_program(struct box *b, const char *program, int status, const char *why)
{
    strlist_wipe(&b->spec.argv);
    strlist_add(&b->spec.argv, program);
    check_error(box_try(b, NULL), ERR_STEP, why);
    assert_int_equal(b->result.status, status);
}

static void says_why_a_program_does_not_start(void **state)
{
    AUTO(box_free) struct box *b = box_make(ids);

    (void)state;
    box_write(b, "lower/bin/text", "just text\n", 0755);
    box_write(b, "lower/bin/lost", "#!/no/such\n", 0755);
    box_write(b, "lower/bin/closed", "#!/bin/sh\n", 0644);
    try_program(b, "nothing", 127, "no such program in PATH");
    try_program(b, "/bin/nothing", 127, "run /bin/nothing (ENOENT)");
    try_program(b, "text", 126, "run /bin/text: not a program for this machine (ENOEXEC)");
    try_program(b, "lost", 127, "run /bin/lost: its interpreter or loader is not in the image");
    try_program(b, "closed", 126, "run closed (EACCES)");
    try_program(b, "/etc", 126, "run /etc (EACCES)");
    box_command(b, "true");
    b->spec.cwd = "/nowhere";
    check_error(box_try(b, NULL), ERR_INPUT, "working directory: open /nowhere");
}

static void gives_nothing_of_its_own(void **state)
{
    AUTO(box_free) struct box *b = box_make(ids);
    bool proc = ids != SANDBOX_CHROOT;

    (void)state;
    box_check(b, "env", 0, "SHLVL=1\nPATH=/bin\nPWD=/\n");
    box_check(b, "umask; ulimit -n; ulimit -c; cat", 0, "0022\n1024\n0\n");
    strlist_add(&b->spec.env, "A=b c");
    b->spec.cwd = "/etc";
    box_check(b, "echo $A; pwd", 0, "b c\n/etc\n");
    if (!proc)
        return;
    box_check(b, "ls /proc/self/fd; readlink /proc/self/fd/0", 0, "0\n1\n2\n3\n/dev/null\n");
    box_check(b, "echo $$; ls -d /proc/[0-9]*; kill -0 2; echo to >/dev/stderr", 0, NULL);
    assert_true(str_starts(buf_text(&b->output), "1\n/proc/1\n"));
    box_check(b, "grep -E '^Cap(Inh|Amb|Bnd)' /proc/self/status", 0,
              "CapInh:\t0000000000000000\nCapBnd:\t00000000a80425fb\nCapAmb:\t0000000000000000\n");
    box_check(b, "grep NoNewPrivs /proc/self/status", 0,
              ids == SANDBOX_HOST ? "NoNewPrivs:\t0\n" : "NoNewPrivs:\t1\n");
}

static void obeys_limits(void **state)
{
    AUTO(box_free) struct box *b = box_make(ids);
    struct sandbox_limit limits[] = {{RLIMIT_NOFILE, 77, 88}, {RLIMIT_FSIZE, 512 * 100, 512 * 100}};

    (void)state;
    b->spec.limit = limits;
    b->spec.limit_count = ARRAY_LEN(limits);
    box_check(b, "ulimit -n; ulimit -Hn; ulimit -f", 0, "77\n88\n100\n");
}

static void runs_as_another_user(void **state)
{
    static const uint32_t groups[] = {7, 8};
    AUTO(box_free) struct box *b = box_make(ids);

    (void)state;
    b->spec.uid = 1000;
    b->spec.gid = 1001;
    b->spec.groups = groups;
    b->spec.group_count = ARRAY_LEN(groups);
    box_check(b, ids == SANDBOX_CHROOT ? "id -u; id -g" : "id -u; id -g; echo to >/dev/stdout", 0, NULL);
    assert_true(str_starts(buf_text(&b->output), "1000\n1001\n"));
    if (ids != SANDBOX_FAKE)
        box_check(b, "id -G", 0, "1001 7 8\n");
}

static void count(void *ctx, const char *data, size_t len)
{
    (void)data;
    *(size_t *)ctx += len;
}

static void loses_no_output(void **state)
{
    AUTO(box_free) struct box *b = box_make(ids);
    size_t len = 0;

    (void)state;
    b->spec.output = count;
    b->spec.ctx = &len;
    box_check(b, "yes 0123456 | head -c 104857600; sleep 0", 0, NULL);
    assert_int_equal(len, 104857600);
    /* What is written by who is not waited for, at the last moment. */
    len = 0;
    box_check(b, "head -c 900000 /bin/busybox", 0, NULL);
    assert_int_equal(len, 900000);
}

static void ends_in_time(void **state)
{
    AUTO(box_free) struct box *b = box_make(ids);
    time_t before = time(NULL);
    int ends[2];

    (void)state;
    b->spec.timeout_ms = 300;
    box_check(b, "setsid sleep 1000 & sleep 1000", 137, "");
    assert_true(b->result.timed_out);
    b->spec.timeout_ms = 0;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    b->spec.cancel_fd = ends[0];
    assert_int_equal(write(ends[1], "", 1), 1);
    check_error(box_try(b, "setsid sleep 1000 & sleep 1000"), ERR_STOPPED, "stopped");
    close(ends[0]);
    close(ends[1]);
    assert_true(time(NULL) - before < 20);
}

static void leaves_nobody_behind(void **state)
{
    AUTO(box_free) struct box *b = box_make(ids);
    time_t before = time(NULL);

    (void)state;
    box_check(b, "setsid sh -c 'sleep 4321 & sleep 4321' & sleep 0; echo done", 0, "done\n");
    assert_true(time(NULL) - before < 20);
    assert_int_equal(box_count("4321"), 0);
}

static void contains_a_fork_bomb(void **state)
{
    AUTO(box_free) struct box *b = box_make(ids);
    struct sandbox_limit limit = {RLIMIT_NPROC, 50, 50};

    (void)state;
    if (ids == SANDBOX_HOST || ids == SANDBOX_CHROOT)
        b->spec.uid = b->spec.gid = 54321;
    b->spec.limit = &limit;
    b->spec.limit_count = 1;
    b->spec.timeout_ms = 1500;
    check_ok(box_try(b, "bomb() { bomb | bomb & }; bomb; sleep 7654"));
    assert_int_not_equal(b->result.status, 0);
    assert_int_equal(box_count("7654"), 0);
}

static int run(enum sandbox_ids with)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_it_did),
        cmocka_unit_test(says_why_a_program_does_not_start),
        cmocka_unit_test(gives_nothing_of_its_own),
        cmocka_unit_test(obeys_limits),
        cmocka_unit_test(runs_as_another_user),
        cmocka_unit_test(loses_no_output),
        cmocka_unit_test(ends_in_time),
        cmocka_unit_test(leaves_nobody_behind),
        cmocka_unit_test(contains_a_fork_bomb),
    };

    ids = with;
    return _cmocka_run_group_tests(sandbox_ids_name(with), tests, ARRAY_LEN(tests), NULL, NULL);
}

static int plain(void)
{
    return run(SANDBOX_SINGLE) + run(SANDBOX_FAKE);
}

static int root(void)
{
    return run(SANDBOX_HOST) + run(SANDBOX_CHROOT) + run(SANDBOX_SINGLE);
}

int main(int argc, char **argv)
{
    return box_main(argc, argv, plain, root);
}
