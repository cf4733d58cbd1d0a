/* SPDX-License-Identifier: Apache-2.0 */
#include "base/diag.h"
#include "base/mem.h"
#include "builder/dockerfile.h"
#include "parsed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

struct mistake {
    const char *text; /* behind "FROM a\n" */
    unsigned line, column;
    const char *message;
    const char *hint; /* part of it, or NULL */
};

static const struct mistake mistakes[] = {
    {"COPPY a b", 2, 1, "unknown instruction: COPPY", "did you mean COPY?"},
    {"foo bar", 2, 1, "unknown instruction: foo", NULL},
    {"\\\n", 2, 1, "unknown instruction: ", NULL},
    {"MAINTAINER", 2, 1, "MAINTAINER requires exactly one argument", NULL},
    {"WORKDIR", 2, 1, "WORKDIR requires exactly one argument", NULL},
    {"USER", 2, 1, "USER requires exactly one argument", NULL},
    {"STOPSIGNAL", 2, 1, "STOPSIGNAL requires exactly one argument", NULL},
    {"ENV", 2, 1, "ENV requires at least one argument", NULL},
    {"LABEL", 2, 1, "LABEL requires at least one argument", NULL},
    {"ONBUILD", 2, 1, "ONBUILD requires at least one argument", NULL},
    {"HEALTHCHECK", 2, 1, "HEALTHCHECK requires at least one argument", NULL},
    {"EXPOSE", 2, 1, "EXPOSE requires at least one argument", NULL},
    {"VOLUME", 2, 1, "VOLUME requires at least one argument", NULL},
    {"ARG", 2, 1, "ARG requires at least one argument", NULL},
    {"SHELL []", 2, 1, "SHELL requires at least one argument", NULL},
    {"SHELL bash -c", 2, 7, "SHELL requires the arguments to be in JSON form", NULL},
    {"ADD one", 2, 1, "ADD requires at least two arguments, but only one was provided", NULL},
    {"COPY one", 2, 1, "COPY requires at least two arguments, but only one was provided", NULL},
    {"COPY\t\n\tquux \\\n  bar", 2, 1, "COPY requires at least two arguments", NULL},
    {"ENV =x", 2, 5, "ENV names can not be blank", NULL},
    {"LABEL =x", 2, 7, "LABEL names can not be blank", NULL},
    {"ARG =x", 2, 5, "ARG names can not be blank", NULL},
    {"ENV PATH", 2, 5, "ENV must have two arguments", NULL},
    {"LABEL x", 2, 7, "LABEL must have two arguments", NULL},
    {"ENV a=b c d=e", 2, 9, "can't find = in \"c\"", "quotes"},
    {"CMD [ \"a\", [ \"b\" ] ]", 2, 5, "arrays must be comprised of strings only", NULL},
    {"CMD [\"a\",42,\"b\"]", 2, 5, "arrays must be comprised of strings only", NULL},
    {"CMD [\"a\",123.456,\"b\"]", 2, 5, "arrays must be comprised of strings only", NULL},
    {"CMD [\"a\",{},\"b\"]", 2, 5, "arrays must be comprised of strings only", NULL},
    {"CMD [\"a\",{\"c\": \"d\"},\"b\"]", 2, 5, "arrays must be comprised of strings only", NULL},
    {"CMD [\"a\",true,\"b\"]", 2, 5, "arrays must be comprised of strings only", NULL},
    {"CMD [\"a\",false,\"b\"]", 2, 5, "arrays must be comprised of strings only", NULL},
    {"CMD [\"a\",null,\"b\"]", 2, 5, "arrays must be comprised of strings only", NULL},
    {"CMD [\"a\\u0000\"]", 2, 5, "NUL byte", NULL},
    {"COPY [1, \"/b\"]", 2, 6, "arrays must be comprised of strings only", NULL},
    {"ONBUILD FROM scratch", 2, 9, "FROM isn't allowed as an ONBUILD trigger", NULL},
    {"ONBUILD MAINTAINER me", 2, 9, "MAINTAINER isn't allowed as an ONBUILD trigger", NULL},
    {"ONBUILD onbuild RUN x", 2, 9, "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed", NULL},
    {"ONBUILD ENV x", 2, 13, "ENV must have two arguments", NULL},
    {"ONBUILD --x RUN y", 2, 9, "unknown flag: --x", NULL},
    {"MAINTAINER --boo me", 2, 12, "unknown flag: --boo", NULL},
    {"COPY --user=me a /b", 2, 6, "unknown flag: --user", NULL},
    {"COPY --form=me a /b", 2, 6, "unknown flag: --form", "did you mean --from?"},
    {"COPY --link --link a /b", 2, 13, "duplicate flag specified: --link", NULL},
    {"COPY --from=a --from=b a /b", 2, 15, "duplicate flag specified: --from", NULL},
    {"COPY --from a /b", 2, 6, "missing a value on flag: --from", NULL},
    {"COPY --exclude a /b", 2, 6, "missing a value on flag: --exclude", NULL},
    {"COPY --link= a /b", 2, 6, "missing a value on flag: --link", NULL},
    {"COPY --link=maybe a /b", 2, 13, "expecting boolean value for flag --link, not: maybe", NULL},
    {"ADD --from=x a /b", 2, 5, "unknown flag: --from", NULL},
    {"CMD --doit x", 2, 5, "unknown flag: --doit", NULL},
    {"RUN --network=some x", 2, 15, "invalid network mode \"some\"", NULL},
    {"RUN --security=some x", 2, 16, "invalid security mode \"some\"", NULL},
    {"RUN --mount=type=bind,from=$X x", 2, 13, "'from' doesn't support variable expansion", "FROM"},
    {"FROM", 2, 1, "FROM requires either one or three arguments", NULL},
    {"FROM a b", 2, 1, "FROM requires either one or three arguments", NULL},
    {"FROM a is b", 2, 1, "FROM requires either one or three arguments", NULL},
    {"FROM a AS b c", 2, 1, "FROM requires either one or three arguments", NULL},
    {"FROM a AS 1b", 2, 11, "invalid name for build stage: \"1b\"", NULL},
    {"FROM a AS b@c", 2, 11, "invalid name for build stage: \"b@c\"", NULL},
    {"HEALTHCHECK NONE x", 2, 18, "HEALTHCHECK NONE takes no arguments", NULL},
    {"HEALTHCHECK CMD", 2, 1, "Missing command after HEALTHCHECK CMD", NULL},
    {"HEALTHCHECK CMD []", 2, 1, "Missing command after HEALTHCHECK CMD", NULL},
    {"HEALTHCHECK CONNECT TCP 7000", 2, 13, "Unknown type \"CONNECT\" in HEALTHCHECK (try CMD)", NULL},
    {"HEALTHCHECK --interval=50ns CMD x", 2, 24, "cannot be less than 1ms", NULL},
    {"HEALTHCHECK --timeout=-1s CMD x", 2, 23, "cannot be less than 1ms", NULL},
    {"HEALTHCHECK --timeout=soon CMD x", 2, 23, "invalid duration \"soon\"", NULL},
    {"HEALTHCHECK --retries=-1 CMD x", 2, 23, "--retries cannot be negative", NULL},
    {"HEALTHCHECK --retries=few CMD x", 2, 23, "invalid number \"few\"", NULL},
    {"VOLUME [\"\"]", 2, 9, "VOLUME specified can not be an empty string", NULL},
    {"EXPOSE 80 99999", 2, 11, "99999", NULL},
    {"STOPSIGNAL SIGNOPE", 2, 12, "invalid signal: SIGNOPE", NULL},
    {"COPY /f <<E\nE", 2, 9, "COPY cannot accept a heredoc as a destination", NULL},
    {"RUN <<E\nx\n", 2, 5, "unterminated heredoc", "E and nothing else"},
    {"COPY <<A <<B /d\nA\nx\n", 2, 10, "unterminated heredoc", "B and nothing else"},
    {"RUN \\\n  --x \\\n  y", 3, 3, "unknown flag: --x", NULL},
};

static void one_mistake(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(mistakes); i++) {
        const struct mistake *m = &mistakes[i];
        AUTO(mem_free) char *whole = mem_printf("FROM a\n%s", m->text);
        AUTO_VALUE(parsed_wipe) struct parsed p = {0};
        parse(&p, whole);
        const struct diag_item *found = NULL;
        for (size_t j = 0; j < p.diag.count && !found; j++) {
            const struct diag_item *item = &p.diag.item[j];
            if (!item->rule && item->at.line == m->line && item->at.column == m->column &&
                strstr(item->message, m->message) &&
                (!m->hint || (item->hint && strstr(item->hint, m->hint))))
                found = item;
        }
        AUTO(err_free) struct err *e = diag_error(&p.diag);
        if (!found)
            fail_msg("%s\nexpected %s at %u:%u, found %s", m->text, m->message, m->line, m->column,
                     e ? err_message(e) : "nothing");
        assert_int_equal(err_kind_of(e), ERR_INPUT);
        assert_true(p.file.item[1].broken);
    }
}

/* Mistakes of the file as a whole. */
static void whole_mistakes(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"", "no instructions"},
        {"# Hello\n# only comments\n", "no instructions"},
        {"ARG a\n", "no stages"},
        {"RUN a\nCMD b\nFROM c\n", "RUN stands before the first FROM"},
        {"ARG a\nENV b=c\n", "ENV stands before the first FROM"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_VALUE(parsed_wipe) struct parsed p = {0};
        parse(&p, rows[i].text);
        assert_int_equal(p.diag.mistakes, 1);
        assert_non_null(strstr(p.diag.item[0].message, rows[i].message));
    }
    AUTO_VALUE(parsed_wipe) struct parsed p = {0};
    parse(&p, "FORM a\nRUN b\n");
    assert_int_equal(p.diag.mistakes, 1);
}

static void all_in_one_go(void **state)
{
    (void)state;
    AUTO_VALUE(parsed_wipe) struct parsed p = {0};
    parse(&p, "FROM alpine\nCOPPY a b\n\tENV k=v \xff\x1b[31m\nLABEL 日本=x  y\n");
    AUTO(err_free) struct err *e = diag_error(&p.diag);
    assert_string_equal(err_message(e), "3 mistakes in Dockerfile\n"
                                        "Dockerfile:2:1: unknown instruction: COPPY\n"
                                        "   2 | COPPY a b\n"
                                        "     | ^~~~~\n"
                                        "     hint: did you mean COPY?\n"
                                        "Dockerfile:3:10: can't find = in \"\\xff\\x1b[31m\"\n"
                                        "   3 |  ENV k=v \xef\xbf\xbd\xef\xbf\xbd[31m\n"
                                        "     |          ^~~~~~\n"
                                        "     expected NAME=VALUE\n"
                                        "     hint: a value with spaces in it needs quotes\n"
                                        "Dockerfile:4:13: can't find = in \"y\"\n"
                                        "   4 | LABEL 日本=x  y\n"
                                        "     |               ^\n"
                                        "     expected NAME=VALUE\n"
                                        "     hint: a value with spaces in it needs quotes");
}

static void warnings(void **state)
{
    (void)state;
    static const struct {
        const char *text, *rules;
    } rows[] = {
        {"FROM a\nENV k v\n", "LegacyKeyValueFormat"},
        {"FROM a\nLABEL k v\n", "LegacyKeyValueFormat"},
        {"FROM a\nMAINTAINER me\n", "MaintainerDeprecated"},
        {"FROM a\nRUN b \\\n\n c\n", "NoEmptyContinuation"},
        {"FROM a\nRUN b \\\n# c\n  # d\n c\n", ""},
        {"FROM a\nCMD x\n", "JSONArgsRecommended"},
        {"FROM a\nSHELL [\"sh\"]\nCMD x\n", ""},
        {"FROM a\nCMD [\"x\"]\nCMD [\"y\"]\n", "MultipleInstructionsDisallowed"},
        {"FROM a\nCMD [\"x\"]\nFROM a\nCMD [\"y\"]\n", ""},
        {"FROM a as b\n", "FromAsCasing"},
        {"from a as b\n", ""},
        {"FROM a AS B\n", "StageNameCasing"},
        {"FROM a AS scratch\n", "ReservedStageName"},
        {"FROM a\nrun x\nRUN y\n", "ConsistentInstructionCasing"},
        {"FROM a\nARG MY_TOKEN\nENV PUBLIC_KEY=x MONKEY=y\n", "SecretsUsedInArgOrEnv"},
        {"FROM a\nEXPOSE 80/TCP\n", "ExposeProtoCasing"},
        {"FROM a\nEXPOSE 80:80\n", "ExposeInvalidFormat"},
        {"FROM a\nONBUILD FOO x\n", "OnbuildTrigger"},
        {"FROM a\nARG --x y\n", "FlagIgnored"},
        {"# syntax=me/own\nFROM a\n", "SyntaxIgnored"},
        {"# check=skip=LegacyKeyValueFormat\nFROM a\nENV k v\nMAINTAINER me\n", "MaintainerDeprecated"},
        {"# check=skip=all\nFROM a\nENV k v\nMAINTAINER me\n", ""},
        {"FROM a\n# check=skip=LegacyKeyValueFormat\nENV k v\nLABEL k v\n", "LegacyKeyValueFormat"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_VALUE(parsed_wipe) struct parsed p = {0};
        parse(&p, rows[i].text);
        assert_int_equal(p.diag.mistakes, 0);
        AUTO_VALUE(strlist_wipe) struct strlist rules = {0};
        for (size_t j = 0; j < p.diag.count; j++)
            strlist_add(&rules, p.diag.item[j].rule);
        AUTO(mem_free) char *got = strlist_join(&rules, " ");
        if (!str_eq(got, rows[i].rules))
            fail_msg("%s: %s", rows[i].text, got);
    }
    AUTO_VALUE(parsed_wipe) struct parsed p = {0};
    parse(&p, "# check=error=true\nFROM a\nENV k v\n");
    AUTO(err_free) struct err *e = diag_error(&p.diag);
    assert_non_null(e);
    AUTO(mem_free) char *line = diag_line(&p.diag, &p.diag.item[0]);
    assert_string_equal(line,
                        "LegacyKeyValueFormat: \"ENV key=value\" should be used instead of legacy \"ENV key "
                        "value\" format (Dockerfile:3)");
}

/* A long line is shown around the mistake. */
static void long_line(void **state)
{
    (void)state;
    AUTO_VALUE(buf_wipe) struct buf text = BUF(BUF_NO_LIMIT);
    buf_str(&text, "FROM a\nENV a=b");
    for (int i = 0; i < 1000; i++)
        buf_str(&text, " xé=1");
    size_t column = text.len - 7 + 2;
    buf_str(&text, " nothing");
    AUTO_VALUE(parsed_wipe) struct parsed p = {0};
    parse(&p, text.data);
    assert_int_equal(p.diag.count, 1);
    assert_int_equal(p.diag.item[0].at.column, column);
    AUTO_VALUE(buf_wipe) struct buf out = BUF(BUF_NO_LIMIT);
    diag_show(&p.diag, &p.diag.item[0], &out);
    assert_true(out.len < 400);
    const char *source = strstr(out.data, "\n   2 | …");
    const char *caret = strstr(out.data, "\n     | ");
    assert_true(source && caret && source < caret);
    /* "é" takes two bytes and one column; so does "…", of three. */
    size_t extra = 2;
    for (const char *c = source; c < strstr(source, "nothing"); c++)
        extra += *c == (char)0xc3;
    assert_int_equal(strchr(caret, '^') - caret, strstr(source, "nothing") - source - (long)extra);
    assert_non_null(strstr(out.data, "Dockerfile:2:5009: "));
}

static void many(void **state)
{
    (void)state;
    AUTO_VALUE(buf_wipe) struct buf text = BUF(BUF_NO_LIMIT);
    buf_str(&text, "FROM a\n");
    for (int i = 0; i < 500; i++)
        buf_str(&text, "NOPE\nMAINTAINER me\n");
    AUTO_VALUE(parsed_wipe) struct parsed p = {0};
    parse(&p, text.data);
    assert_int_equal(p.diag.mistakes, 500);
    assert_int_equal(p.diag.count, DIAG_MISTAKES_MAX + DIAG_WARNINGS_MAX);
    AUTO(err_free) struct err *e = diag_error(&p.diag);
    assert_non_null(strstr(err_message(e), "500 mistakes in Dockerfile"));
}

/* The reason stands at the end of a message, however long the name before it is. */
static void long_message(void **state)
{
    static char name[4000];
    AUTO_VALUE(parsed_wipe) struct parsed p = {0};
    (void)state;
    memset(name, 'd', sizeof name - 1);
    parse(&p, "FROM a\n");
    diag_mistake(&p.diag, (struct span){.line = 1, .column = 1}, NULL, NULL, "open %s: the reason", name);
    assert_int_equal(p.diag.count, 1);
    const char *message = p.diag.item[0].message;
    assert_true(str_starts(message, "open ddd"));
    assert_true(str_ends(message, "ddd: the reason"));
    assert_non_null(strstr(message, "\xe2\x80\xa6"));
    assert_true(strlen(message) < 1100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_mistake),  cmocka_unit_test(whole_mistakes), cmocka_unit_test(all_in_one_go),
        cmocka_unit_test(warnings),     cmocka_unit_test(long_line),      cmocka_unit_test(many),
        cmocka_unit_test(long_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
