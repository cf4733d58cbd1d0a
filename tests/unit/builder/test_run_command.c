/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/mem.h"
#include "base/str.h"
#include "builder/run_command.h"
#include "builder/run_emulator.h"
#include "builder/run_env.h"
#include "builder/run_output.h"

#include <string.h>

/* The command line of one RUN, its words joined by "|". */
static char *line_of(const char *text, const struct strlist *shell, char **script)
{
    AUTO_VALUE(diag_wipe) struct diag diag = {0};
    AUTO_VALUE(dockerfile_wipe) struct dockerfile file = {0};
    AUTO_VALUE(run_command_wipe) struct run_command command = {0};
    AUTO(mem_free) char *whole = mem_printf("FROM x\n%s\n", text);
    diag_init(&diag, "Dockerfile", whole, strlen(whole));
    dockerfile_parse(&file, whole, strlen(whole), &diag);
    check_ok(diag_error(&diag));
    check_ok(run_command_make(&command, &file.item[1], shell));
    *script = TAKE(command.script);
    return strlist_join(&command.argv, "|");
}

static void makes_lines(void **state)
{
    static const struct {
        const char *text, *line, *script;
    } rows[] = {
        {"RUN echo a  b", "/bin/sh|-c|echo a  b", NULL},
        {"RUN [\"a\", \"b c\"]", "a|b c", NULL},
        {"RUN <<EOF\none\ntwo\nEOF", "/bin/sh|-c|one\ntwo\n", NULL},
        {"RUN <<-EOF\n\tone\nEOF", "/bin/sh|-c|one\n", NULL},
        {"RUN <<'EOF'\n#!/x y\nz\nEOF", "/bin/sh|-c|/dev/pipes/EOF", "#!/x y\nz\n"},
        {"RUN cat <<EOF\none\nEOF", "/bin/sh|-c|cat <<EOF\none\nEOF", NULL},
        {"RUN cat <<-EOF >f\n\tone\n\tEOF", "/bin/sh|-c|cat <<-EOF >f\n\tone\nEOF", NULL},
        {"RUN a <<A && b <<B\n1\nA\n2\nB", "/bin/sh|-c|a <<A && b <<B\n1\nA\n2\nB", NULL},
    };
    struct strlist none = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(mem_free) char *script = NULL;
        AUTO(mem_free) char *line = line_of(rows[i].text, &none, &script);
        assert_string_equal(line, rows[i].line);
        if (!str_eq(script, rows[i].script))
            fail_msg("%s: %s", rows[i].text, script ? script : "no script");
    }
}

static void takes_the_shell(void **state)
{
    AUTO_VALUE(strlist_wipe) struct strlist shell = {0};
    AUTO(mem_free) char *script = NULL;
    (void)state;
    strlist_add(&shell, "bash");
    strlist_add(&shell, "-ec");
    AUTO(mem_free) char *line = line_of("RUN a b", &shell, &script);
    assert_string_equal(line, "bash|-ec|a b");
}

static void tells_history(void **state)
{
    AUTO_VALUE(strlist_wipe) struct strlist argv = {0}, args = {0};
    AUTO_VALUE(strmap_wipe) struct strmap env = {0};
    (void)state;
    strlist_add(&argv, "/bin/sh");
    strlist_add(&argv, "-c");
    strlist_add(&argv, "x y");
    AUTO(mem_free) char *plain = run_command_history(&argv, &args, &env);
    assert_string_equal(plain, "RUN /bin/sh -c x y # buildkit");
    strlist_add(&args, "A");
    strlist_add(&args, "B");
    strmap_set(&env, "A", "1 2");
    AUTO(mem_free) char *with = run_command_history(&argv, &args, &env);
    assert_string_equal(with, "RUN |2 A=1 2 B= /bin/sh -c x y # buildkit");
}

static void makes_environments(void **state)
{
    AUTO_VALUE(strmap_wipe) struct strmap stage = {0}, args = {0};
    AUTO_VALUE(strlist_wipe) struct strlist env = {0}, private_env = {0}, all = {0};
    (void)state;
    strmap_set(&stage, "PATH", "/p");
    strmap_set(&stage, "no_proxy", "own");
    strmap_set(&args, "HTTP_PROXY", "a");
    strmap_set(&args, "http_proxy", "b");
    strmap_set(&args, "No_Proxy", "c");
    strmap_set(&args, "OTHER", "d");
    const struct run_env_options options = {
        .stage = &stage, .build_args = &args, .has_epoch = true, .epoch = 5, .home = "/h"};
    run_env_make(&env, &private_env, &options);
    AUTO(mem_free) char *shown = strlist_join(&env, " ");
    AUTO(mem_free) char *hidden = strlist_join(&private_env, " ");
    assert_string_equal(shown, "PATH=/p no_proxy=own SOURCE_DATE_EPOCH=5 HOME=/h");
    assert_string_equal(hidden, "HTTP_PROXY=b http_proxy=b NO_PROXY=c no_proxy=c");
    run_env_join(&all, &env, &private_env);
    AUTO(mem_free) char *joined = strlist_join(&all, " ");
    assert_string_equal(
        joined, "PATH=/p no_proxy=c SOURCE_DATE_EPOCH=5 HOME=/h HTTP_PROXY=b http_proxy=b NO_PROXY=c");
}

static void collect(void *ctx, const struct event *e)
{
    strlist_add(ctx, e->text);
}

static void splits_output(void **state)
{
    static const char *const pieces[] = {"one\ntw", "o\r", "\n3%\r4%", "\r\tx\n\nlast"};
    AUTO_VALUE(strlist_wipe) struct strlist lines = {0};
    const struct events events = {.emit = collect, .ctx = &lines};
    AUTO_VALUE(run_output_wipe) struct run_output o = {0};
    (void)state;
    run_output_begin(&o, &events, 1);
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++)
        run_output_add(&o, pieces[i], strlen(pieces[i]));
    run_output_end(&o);
    AUTO(mem_free) char *all = strlist_join(&lines, "|");
    assert_string_equal(all, "one|two|3%|4%|        x||last");
}

static void registers_emulators(void **state)
{
    struct platform want = {.os = "linux", .architecture = "arm64"};
    (void)state;
    AUTO(mem_free) char *line = run_emulator_line(&want, "/usr/bin/qemu-aarch64-static");
    assert_string_equal(
        line,
        ":lade-aarch64:M::\\x7f\\x45\\x4c\\x46\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00"
        "\\x02\\x00\\xb7\\x00:\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff"
        "\\xff\\xfe\\xff\\xff\\xff:/usr/bin/qemu-aarch64-static:POCF");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_lines),   cmocka_unit_test(takes_the_shell),
        cmocka_unit_test(tells_history), cmocka_unit_test(makes_environments),
        cmocka_unit_test(splits_output), cmocka_unit_test(registers_emulators),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
