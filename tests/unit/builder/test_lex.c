/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/lex.h"
#include "base/mem.h"
#include "builder/directive.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

struct reading {
    struct diag diag;
    struct dockerfile file;
    struct lex lex;
};

static void begin(struct reading *r, const char *text, size_t len)
{
    diag_init(&r->diag, "Dockerfile", text, len);
    r->file = (struct dockerfile){.escape = '\\'};
    lex_init(&r->lex, text, len, &r->file, &r->diag);
}

static void end(struct reading *r)
{
    diag_wipe(&r->diag);
    dockerfile_wipe(&r->file);
}

/* All logical lines as "first-last:text", each followed by a newline. */
static char *lines(struct reading *r)
{
    struct buf out = BUF(BUF_NO_LIMIT);
    buf_str(&out, "");
    AUTO_VALUE(logical_wipe) struct logical line = {0};
    while (lex_next(&r->lex, &line))
        buf_printf(&out, "%u-%u:%s%s\n", line.first_line, line.last_line, buf_text(&line.text),
                   line.has_empty_line ? " (empty line)" : "");
    return buf_take(&out);
}

static void logical_lines(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"", ""},
        {"\n \n\t\n", ""},
        {"# a\n  # b\n", ""},
        {"FROM a", "1-1:FROM a\n"},
        {"\xef\xbb\xbf"
         "FROM a\n",
         "1-1:FROM a\n"},
        {"  FROM a  \r\n\r\nRUN b\r\n", "1-1:FROM a  \n3-3:RUN b\n"},
        /* joined: blanks behind the escape go, those at the beginning of the next line stay */
        {"RUN a\\\n  b\\\n c\n", "1-3:RUN a  b c\n"},
        {"RUN a \\  \t\nb\n", "1-2:RUN a b\n"},
        {"RUN a \\\nb\\\nc\n", "1-3:RUN a bc\n"},
        {"RUN a\\\n \\\n b \\\n\\\n c\\\n\\\nd\n", "1-7:RUN a  b  cd\n"},
        {"RUN a \\\\\nRUN b\n", "1-1:RUN a \\\\\n2-2:RUN b\n"},
        {"RUN a \\\\\\\nRUN b\n", "1-1:RUN a \\\\\\\n2-2:RUN b\n"},
        {"RUN a \\", "1-1:RUN a \n"},
        {"RUN a \\ x\n", "1-1:RUN a \\ x\n"},
        {"\\\nRUN a\n", "1-2:RUN a\n"},
        {"\\\n", "1-1:\n"},
        {"# a \\\nRUN b\n", "2-2:RUN b\n"},
        /* comments and empty lines inside */
        {"RUN a \\\n# no\n  # no\nb\n", "1-4:RUN a b\n"},
        {"RUN a \\\n\nb \\\n \nc\n", "1-5:RUN a b c (empty line)\n"},
        {"RUN a \\\n# no\n\n# no\n\nb\n", "1-6:RUN a b (empty line)\n"},
        /* the other escape */
        {"# escape=`\nRUN a `\n b\\\nRUN c\n", "2-3:RUN a  b\\\n4-4:RUN c\n"},
        {"#no\n# escape=`\nRUN a `\nRUN b \\\nc\n", "3-3:RUN a `\n4-5:RUN b c\n"},
        {"# ESCAPE = `  \n\nRUN a`\nb\n", "3-4:RUN ab\n"},
        {"\n# escape=`\nRUN a`\n", "3-3:RUN a`\n"},
        {"#!/bin/lade\n# escape=`\nRUN a`\n", "3-3:RUN a`\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct reading r;
        begin(&r, rows[i][0], strlen(rows[i][0]));
        AUTO(mem_free) char *got = lines(&r);
        assert_string_equal(got, rows[i][1]);
        assert_int_equal(r.diag.mistakes, 0);
        end(&r);
    }
}

static void directives(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        char escape;
        const char *syntax, *check;
        const char *said; /* part of the first message */
    } rows[] = {
        {"#escape=\\\n# key=value\n", '\\', NULL, NULL, NULL},
        {"# EScape=`\n# KEY=value\n", '`', NULL, NULL, NULL},
        {"# syntax = docker/dockerfile:1 // more\n", '\\', "docker/dockerfile:1", NULL, NULL},
        {"# syntax=me/own:2\nFROM a\n", '\\', "me/own:2", NULL, "me/own:2 is not used"},
        {"#!/bin/sh\n# syntax=docker/dockerfile\n", '\\', "docker/dockerfile", NULL, NULL},
        {"#!/bin/sh\n\n# syntax=docker/dockerfile\n", '\\', NULL, NULL, NULL},
        {"FROM a\n# syntax=docker/dockerfile\n", '\\', NULL, NULL, NULL},
        {"\xef\xbb\xbf# syntax=docker/dockerfile\nFROM a\n", '\\', "docker/dockerfile", NULL, NULL},
        {"# syntax=docker/dockerfile\n# escape=`\n", '`', "docker/dockerfile", NULL, NULL},
        {"#check = skip=all // more\n", '\\', NULL, "skip=all", NULL},
        {"#!/bin/sh\n# check=skip=all\n", '\\', NULL, "skip=all", NULL},
        {"#!/bin/sh\n\n# check=skip=all\n", '\\', NULL, NULL, NULL},
        {"# escape=\n# escape=`\n", '\\', NULL, NULL, NULL},
        {"# escape=x\n", '\\', NULL, NULL, "invalid escape character"},
        {"# escape= \n", '\\', NULL, NULL, "invalid escape character"},
        {"# escape=`\n# escape=`\n", '`', NULL, NULL, "only one escape"},
        {"# syntax=docker/dockerfile\n# Syntax=docker/dockerfile\n", '\\', "docker/dockerfile", NULL,
         "only one syntax"},
        {"# check=nothing\n", '\\', NULL, "nothing", "invalid check"},
        {"# check=error=maybe\n", '\\', NULL, "error=maybe", "invalid check"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct reading r;
        begin(&r, rows[i].text, strlen(rows[i].text));
        AUTO(mem_free) char *got = lines(&r);
        assert_int_equal(r.file.escape, rows[i].escape);
        assert_true(str_eq(r.file.syntax.text, rows[i].syntax));
        assert_true(str_eq(r.file.check.text, rows[i].check));
        assert_int_equal(r.diag.count, rows[i].said ? 1 : 0);
        if (rows[i].said)
            assert_non_null(strstr(r.diag.item[0].message, rows[i].said));
        end(&r);
    }
}

static void check_directive(void **state)
{
    (void)state;
    AUTO_VALUE(strlist_wipe) struct strlist skip = {0};
    bool fatal = false;
    assert_true(directive_check("skip=One, Two;error=true;experimental=all", &skip, &fatal));
    assert_true(strlist_has(&skip, "One") && strlist_has(&skip, "Two") && fatal);
    assert_false(directive_check("skip", &skip, &fatal));
    assert_false(directive_check("other=1", &skip, &fatal));
    assert_true(directive_check_comment("check=skip=Three reason", &skip));
    assert_true(strlist_has(&skip, "Three"));
    assert_false(directive_check_comment("check the door", &skip));
}

static void comments(void **state)
{
    (void)state;
    const char *text = "# first\nFROM a\n# two\n#\n#  three \n\n# four\nRUN b\nRUN c\n";
    struct reading r;
    begin(&r, text, strlen(text));
    static const char *const want[] = {"first", "three|four", ""};
    AUTO_VALUE(logical_wipe) struct logical line = {0};
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        assert_true(lex_next(&r.lex, &line));
        AUTO(mem_free) char *got = strlist_join(&line.comments, "|");
        assert_string_equal(got, want[i]);
    }
    end(&r);
}

static void places(void **state)
{
    (void)state;
    const char *text = "\n  RUN ab \\\n# c\n   cd\\\nef\n";
    struct reading r;
    begin(&r, text, strlen(text));
    AUTO_VALUE(logical_wipe) struct logical line = {0};
    assert_true(lex_next(&r.lex, &line));
    assert_string_equal(line.text.data, "RUN ab    cdef");
    static const struct {
        const char *word;
        struct span at;
    } rows[] = {
        {"RUN", {2, 3, 2, 6}},  {"ab", {2, 7, 2, 9}}, {"cd", {4, 4, 4, 6}},
        {"cdef", {4, 4, 5, 3}}, {"ef", {5, 1, 5, 3}},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t from = (size_t)(strstr(line.text.data, rows[i].word) - line.text.data);
        struct span at = logical_span(&line, from, from + strlen(rows[i].word));
        assert_memory_equal(&at, &rows[i].at, sizeof at);
    }
    end(&r);
}

static void heredocs(void **state)
{
    (void)state;
    static const struct {
        const char *text, *name;
        bool chomp, found;
        const char *content;
        const char *next; /* the line after it, or NULL */
    } rows[] = {
        {"RUN\nE\n", "E", false, true, "", NULL},
        {"RUN\na\n# b\n\n\tc \\\nE\nRUN d\n", "E", false, true, "a\n# b\n\n\tc \\\n", "RUN d"},
        {"RUN\na\r\nE\r\nRUN d\n", "E", false, true, "a\r\n", "RUN d"},
        {"RUN\na\n\tE\nE", "E", false, true, "a\n\tE\n", NULL},
        {"RUN\na\n\t\tE\nE\n", "E", true, true, "a\n", "E"},
        {"RUN\na\n E\n", "E", true, false, "a\n E\n", NULL},
        {"RUN\na\nE \n", "E", false, false, "a\nE \n", NULL},
        {"RUN\na b\none two\n", "one two", false, true, "a b\n", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct reading r;
        begin(&r, rows[i].text, strlen(rows[i].text));
        AUTO_VALUE(logical_wipe) struct logical line = {0};
        AUTO_VALUE(buf_wipe) struct buf content = BUF(BUF_NO_LIMIT);
        assert_true(lex_next(&r.lex, &line));
        assert_int_equal(lex_heredoc(&r.lex, rows[i].name, rows[i].chomp, &content), rows[i].found);
        assert_string_equal(buf_text(&content), rows[i].content);
        bool more = lex_next(&r.lex, &line);
        assert_int_equal(more, rows[i].next != NULL);
        if (more)
            assert_string_equal(buf_text(&line.text), rows[i].next);
        end(&r);
    }
}

static void refuse(const char *data, size_t len, const char *message, unsigned line_number)
{
    struct reading r;
    begin(&r, data, len);
    AUTO(mem_free) char *got = lines(&r);
    assert_int_equal(r.diag.mistakes, 1);
    assert_non_null(strstr(r.diag.item[0].message, message));
    assert_int_equal(r.diag.item[0].at.line, line_number);
    end(&r);
}

static void limits(void **state)
{
    (void)state;
    AUTO_VALUE(buf_wipe) struct buf text = BUF(BUF_NO_LIMIT);
    buf_str(&text, "FROM a\nLABEL x=");
    while (text.len < 7 + DOCKERFILE_LINE_MAX)
        buf_byte(&text, 'a');
    struct reading r;
    begin(&r, text.data, text.len);
    AUTO(mem_free) char *got = lines(&r);
    assert_int_equal(r.diag.mistakes, 0);
    end(&r);
    buf_str(&text, "\n");
    begin(&r, text.data, text.len);
    AUTO(mem_free) char *again = lines(&r);
    assert_int_equal(r.diag.mistakes, 0);
    end(&r);
    text.data[text.len - 1] = 'a';
    refuse(text.data, text.len, "longer than 65535 bytes", 2);
    begin(&r, text.data, text.len);
    AUTO(mem_free) char *stopped = lines(&r);
    AUTO(err_free) struct err *over = diag_error(&r.diag);
    assert_int_equal(err_kind_of(over), ERR_RESOURCE);
    end(&r);
    refuse("FROM a\nRUN \0b\n", 14, "NUL byte", 2);
    AUTO_VALUE(buf_wipe) struct buf large = BUF(BUF_NO_LIMIT);
    while (large.len <= DOCKERFILE_SIZE_MAX)
        buf_str(&large, "# nothing to see here, but a lot of it\n");
    refuse(large.data, large.len, "larger than", 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logical_lines), cmocka_unit_test(directives), cmocka_unit_test(check_directive),
        cmocka_unit_test(comments),      cmocka_unit_test(places),     cmocka_unit_test(heredocs),
        cmocka_unit_test(limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
