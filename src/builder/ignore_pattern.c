/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/ignore_pattern.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "builder/glob.h"
#include "builder/ignore_regex.h"
#include "base/runes.h"

#include <string.h>

enum match_kind { MATCH_EXACT, MATCH_PREFIX, MATCH_SUFFIX, MATCH_REGEX };

struct ignore_pattern {
    enum match_kind kind;
    char *text; /* MATCH_PREFIX: without "**" at its end; MATCH_SUFFIX: without "**" at its beginning */
    size_t len;
    struct ignore_regex *regex;
};

/* What is left of the pattern, and what was written of the regular expression. */
struct translation {
    const char *rest;
    bool first;
    enum match_kind kind;
    struct buf *regex;
};

/* "**", with a slash behind it or without. */
static void translate_dirs(struct translation *t)
{
    if (*t->rest == '/')
        t->rest++;
    if (*t->rest == '\0' && t->kind == MATCH_EXACT) {
        t->kind = MATCH_PREFIX;
    } else {
        buf_str(t->regex, *t->rest ? "(.*/)?" : ".*");
        t->kind = MATCH_REGEX;
    }
    if (t->first)
        t->kind = MATCH_SUFFIX;
}

static void translate_star(struct translation *t)
{
    if (*t->rest == '*') {
        t->rest++;
        translate_dirs(t);
        return;
    }
    buf_str(t->regex, "[^/]*");
    t->kind = MATCH_REGEX;
}

static void translate_literal(struct translation *t)
{
    uint32_t code = 0;
    size_t len = rune_next(t->rest, strlen(t->rest), &code);
    /* A byte that is no UTF-8 stands for every such byte, as in the reference matcher. */
    if (code == RUNE_INVALID)
        buf_str(t->regex, "\xef\xbf\xbd");
    else
        buf_add(t->regex, t->rest, len);
    t->rest += len;
}

static void translate_next(struct translation *t)
{
    char c = *t->rest;
    switch (c) {
    case '*':
        t->rest++;
        translate_star(t);
        break;
    case '?':
        t->rest++;
        buf_str(t->regex, "[^/]");
        t->kind = MATCH_REGEX;
        break;
    case '\\':
        t->rest++;
        buf_byte(t->regex, '\\');
        if (*t->rest) {
            translate_literal(t);
            t->kind = MATCH_REGEX;
        }
        break;
    case '[':
    case ']':
        t->kind = MATCH_REGEX;
        translate_literal(t);
        break;
    default:
        /* Not "|", "{" and "}": the reference matcher forgets them too. */
        if (strchr(".+()$", c))
            buf_byte(t->regex, '\\');
        translate_literal(t);
    }
    t->first = false;
}

static bool ends_in_escape(const char *text)
{
    size_t count = 0;
    for (size_t at = strlen(text); at > 0 && text[at - 1] == '\\'; at--)
        count++;
    return count % 2 == 1;
}

struct ignore_pattern *ignore_pattern_new(const char *text, const char **fault)
{
    AUTO(ignore_pattern_free) struct ignore_pattern *p = mem_zero(1, sizeof *p);
    AUTO_VALUE(buf_wipe) struct buf regex = BUF(BUF_NO_LIMIT);
    struct translation t = {.rest = text, .first = true, .regex = &regex};
    *fault = ends_in_escape(text) ? "the \\ at its end stands before nothing" : glob_fault_on(text, ".");
    if (*fault)
        return NULL;
    while (*t.rest)
        translate_next(&t);
    size_t len = strlen(text);
    p->kind = t.kind;
    p->text = mem_strdup(t.kind == MATCH_SUFFIX ? text + 2 : text);
    p->len = strlen(p->text);
    if (t.kind == MATCH_PREFIX)
        p->text[p->len = len - 2] = '\0';
    if (t.kind == MATCH_REGEX)
        p->regex = ignore_regex_new(buf_text(&regex), regex.len, fault);
    return *fault ? NULL : TAKE(p);
}

bool ignore_pattern_match(const struct ignore_pattern *p, const char *path)
{
    size_t len = strlen(path);
    switch (p->kind) {
    case MATCH_EXACT:
        return str_eq(path, p->text);
    case MATCH_PREFIX:
        return str_starts(path, p->text);
    case MATCH_SUFFIX:
        return str_ends(path, p->text) || (p->text[0] == '/' && str_eq(path, p->text + 1));
    case MATCH_REGEX:
        return ignore_regex_match(p->regex, path, len);
    }
    return false;
}

void ignore_pattern_free(struct ignore_pattern *p)
{
    if (!p)
        return;
    mem_free(p->text);
    ignore_regex_free(p->regex);
    mem_free(p);
}
