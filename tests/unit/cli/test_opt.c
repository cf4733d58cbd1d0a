/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "cli/opt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct settings {
    bool quiet, debug;
    const char *file;
    struct strlist tags;
    uint64_t jobs;
};

static const struct opt options[] = {
    {"quiet", 'q', OPT_FLAG, NULL, "be quiet", offsetof(struct settings, quiet), 0, NULL},
    {"debug", 'D', OPT_FLAG, NULL, "say more", offsetof(struct settings, debug), 0, NULL},
    {"file", 'f', OPT_TEXT, "FILE", "a file", offsetof(struct settings, file), 0, NULL},
    {"tag", 't', OPT_LIST, "REF", "a name", offsetof(struct settings, tags), 0, NULL},
    {"jobs", 0, OPT_NUMBER, "N", "how many", offsetof(struct settings, jobs), 64, NULL},
    {"load", 0, OPT_NOTHING, NULL, "nothing", 0, 0, NULL},
    {"sbom", 0, OPT_MISSING, "WHAT", NULL, 0, 0, "false"},
    {"check", 0, OPT_MISSING, NULL, NULL, 0, 0, NULL},
};
static const struct opt_group groups[] = {{"Options", options, ARRAY_LEN(options)}};

#define WORDS 8

struct good {
    const char *argv[WORDS];
    bool quiet, debug;
    const char *file;
    const char *tags; /* joined by spaces */
    uint64_t jobs;
    const char *args;
};

static size_t count_words(const char *const *words)
{
    size_t count = 0;
    while (count < WORDS && words[count])
        count++;
    return count;
}

static void options_are_understood(void **state)
{
    (void)state;
    static const struct good cases[] = {
        {{NULL}, false, false, NULL, "", 0, ""},
        {{"."}, false, false, NULL, "", 0, "."},
        {{"-q", "."}, true, false, NULL, "", 0, "."},
        {{".", "-q"}, true, false, NULL, "", 0, "."},
        {{"-qD", "."}, true, true, NULL, "", 0, "."},
        {{"--quiet=false", "-D"}, false, true, NULL, "", 0, ""},
        {{"--quiet", "--quiet=0"}, false, false, NULL, "", 0, ""},
        {{"-f", "x", "."}, false, false, "x", "", 0, "."},
        {{"-fx", "."}, false, false, "x", "", 0, "."},
        {{"-f=x", "."}, false, false, "x", "", 0, "."},
        {{"-qfx", "."}, true, false, "x", "", 0, "."},
        {{"-qf", "x", "."}, true, false, "x", "", 0, "."},
        {{"--file", "x", "."}, false, false, "x", "", 0, "."},
        {{"--file=x=y", "."}, false, false, "x=y", "", 0, "."},
        {{"--file=", "."}, false, false, "", "", 0, "."},
        {{"--file", "-", "-"}, false, false, "-", "", 0, "-"},
        {{"--file", "--tag", "."}, false, false, "--tag", "", 0, "."},
        {{"-f", "a", "-f", "b"}, false, false, "b", "", 0, ""},
        {{"-t", "a", "--tag=b", "-tc"}, false, false, NULL, "a b c", 0, ""},
        {{"--", "-q", "--tag"}, false, false, NULL, "", 0, "-q --tag"},
        {{"a", "--", "--"}, false, false, NULL, "", 0, "a --"},
        {{"--jobs", "64"}, false, false, NULL, "", 64, ""},
        {{"--load", "--load=true", "--sbom=false", "--sbom", "false"}, false, false, NULL, "", 0, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct good *c = &cases[i];
        struct settings s = {0};
        struct strlist args = {0};
        assert_null(opt_parse(groups, 1, c->argv, count_words(c->argv), &s, &args));
        char *tags = strlist_join(&s.tags, " ");
        char *joined = strlist_join(&args, " ");
        assert_int_equal(s.quiet, c->quiet);
        assert_int_equal(s.debug, c->debug);
        assert_true(str_eq(s.file, c->file));
        assert_string_equal(tags, c->tags);
        assert_int_equal(s.jobs, c->jobs);
        assert_string_equal(joined, c->args);
        free(tags);
        free(joined);
        opt_wipe(groups, 1, &s);
        strlist_wipe(&args);
    }
}

static void mistakes_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *argv[WORDS];
        enum err_kind kind;
        const char *message, *hint;
    } cases[] = {
        {{"--taq", "x"}, ERR_USAGE, "unknown option --taq", "did you mean --tag?"},
        {{"--tagg=x"}, ERR_USAGE, "unknown option --tagg", "did you mean --tag?"},
        {{"--nothing-like-it"}, ERR_USAGE, "unknown option --nothing-like-it", NULL},
        {{"--qui"}, ERR_USAGE, "unknown option --qui", "did you mean --quiet?"},
        {{"-x"}, ERR_USAGE, "unknown option -x", NULL},
        {{"-qx"}, ERR_USAGE, "unknown option -x", NULL},
        {{"-\033"}, ERR_USAGE, "unknown option -\\x1b", NULL},
        {{"-t"}, ERR_USAGE, "--tag: a value (REF) is missing", NULL},
        {{"--tag"}, ERR_USAGE, "--tag: a value (REF) is missing", NULL},
        {{"--quiet=maybe"}, ERR_USAGE, "--quiet: expected true or false, found \"maybe\"", NULL},
        {{"--jobs", "65"}, ERR_USAGE, "--jobs: expected a number from 0 to 64, found \"65\"", NULL},
        {{"--jobs=-1"}, ERR_USAGE, "--jobs: expected a number from 0 to 64, found \"-1\"", NULL},
        {{"--jobs="}, ERR_USAGE, "--jobs: expected a number from 0 to 64, found \"\"", NULL},
        {{"--sbom", "true"}, ERR_UNSUPPORTED, "--sbom is not supported", NULL},
        {{"--check"}, ERR_UNSUPPORTED, "--check is not supported", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct settings s = {0};
        struct strlist args = {0};
        struct err *e = opt_parse(groups, 1, cases[i].argv, count_words(cases[i].argv), &s, &args);
        assert_non_null(e);
        assert_int_equal(err_kind_of(e), cases[i].kind);
        assert_string_equal(err_message(e), cases[i].message);
        assert_true(str_eq(err_hint_of(e), cases[i].hint));
        err_free(e);
        opt_wipe(groups, 1, &s);
        strlist_wipe(&args);
    }
}

static void help_shows_what_is_not_hidden(void **state)
{
    (void)state;
    struct buf text = BUF(BUF_NO_LIMIT);
    opt_help(groups, 1, &text);
    assert_non_null(strstr(buf_text(&text), "\nOptions:\n"));
    assert_non_null(strstr(buf_text(&text), "\n  -t, --tag REF                 a name\n"));
    assert_non_null(strstr(buf_text(&text), "\n      --jobs N                  how many\n"));
    assert_null(strstr(buf_text(&text), "sbom"));
    buf_wipe(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_understood),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(help_shows_what_is_not_hidden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
