/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/pattern.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/runes.h"

#include <string.h>

enum { TOKEN_ANY = 256, TOKEN_STAR = 257 }; /* smaller: this byte */
#define NO_MATCH (-1)
#define COLUMNS 5 /* the one being filled, and as far back as one character reaches */

struct tokens {
    uint16_t *item;
    size_t count;
    size_t room;
};

static void tokens_wipe(struct tokens *t)
{
    mem_free(t->item);
    *t = (struct tokens){0};
}

static struct err *tokens_parse(struct tokens *out, const char *pattern)
{
    for (const char *at = pattern; *at; at++) {
        uint16_t token = (uint8_t)*at;
        if (*at == '*') {
            token = TOKEN_STAR;
        } else if (*at == '?') {
            token = TOKEN_ANY;
        } else if (*at == '\\' && (at[1] == '}' || at[1] == '/')) {
            continue;
        } else if (*at == '\\') {
            at++;
            if (*at != '*' && *at != '?' && *at != '\\') {
                AUTO(mem_free) char *shown = str_safe(pattern);
                return err_hint(
                    err_new(ERR_INPUT, "invalid pattern (%s) in substitution: invalid escape", shown),
                    "a backslash in a pattern stands before *, ?, }, / or another backslash");
            }
            token = (uint8_t)*at;
        }
        MEM_PUSH(out->item, out->count, out->room, token);
    }
    return NULL;
}

/*
 * For each place of the text, where a match that begins there ends: `best` of the ends, NO_MATCH if there is
 * none. Filled from the end of the text, one column of states for each place, of which only the last few are
 * kept.
 */
struct matcher {
    const struct tokens *tokens;
    const char *text;
    size_t len;
    bool longest;
    bool at_end; /* only matches that reach the end of the text count */
    int64_t *column[COLUMNS];
};

static int64_t better(const struct matcher *m, int64_t a, int64_t b)
{
    if (a == NO_MATCH || b == NO_MATCH)
        return a == NO_MATCH ? b : a;
    return (a > b) == m->longest ? a : b;
}

static int64_t step(const struct matcher *m, size_t at, size_t state)
{
    const int64_t *here = m->column[at % COLUMNS];
    const int64_t *next = m->column[(at + 1) % COLUMNS];
    uint16_t token = m->tokens->item[state];
    bool ended = at == m->len;
    if (token == TOKEN_STAR) {
        bool more = !ended && m->text[at] != '\n';
        return better(m, here[state + 1], more ? next[state] : NO_MATCH);
    }
    if (ended)
        return NO_MATCH;
    if (token == TOKEN_ANY) {
        uint32_t code;
        size_t width = rune_next(m->text + at, m->len - at, &code);
        return code == '\n' ? NO_MATCH : m->column[(at + width) % COLUMNS][state + 1];
    }
    return (uint8_t)m->text[at] == token ? next[state + 1] : NO_MATCH;
}

static struct err *match_ends(const struct tokens *tokens, const char *text, bool longest, bool at_end,
                              int64_t *ends)
{
    struct matcher m = {
        .tokens = tokens, .text = text, .len = strlen(text), .longest = longest, .at_end = at_end};
    size_t states = tokens->count + 1;
    if (states > PATTERN_WORK_MAX / (m.len + 1))
        return err_new(ERR_RESOURCE, "a pattern of %zu bytes on a text of %zu bytes takes too long",
                       tokens->count, m.len);
    AUTO(mem_free) int64_t *columns = mem_zero(COLUMNS * states, sizeof *columns);
    for (size_t i = 0; i < COLUMNS; i++)
        m.column[i] = columns + i * states;
    for (size_t at = m.len + 1; at-- > 0;) {
        int64_t *here = m.column[at % COLUMNS];
        here[tokens->count] = at_end && at != m.len ? NO_MATCH : (int64_t)at;
        for (size_t state = tokens->count; state-- > 0;)
            here[state] = step(&m, at, state);
        ends[at] = here[0];
    }
    return NULL;
}

struct match {
    struct tokens tokens;
    int64_t *ends;
    size_t len;
};

static void match_wipe(struct match *m)
{
    tokens_wipe(&m->tokens);
    mem_free(m->ends);
}

static struct err *match_run(struct match *m, const char *pattern, const char *text, bool longest,
                             bool at_end)
{
    m->len = strlen(text);
    TRY(tokens_parse(&m->tokens, pattern));
    m->ends = mem_zero(m->len + 1, sizeof *m->ends);
    return match_ends(&m->tokens, text, longest, at_end, m->ends);
}

struct err *pattern_trim_before(struct buf *out, const char *pattern, const char *text, bool longest)
{
    AUTO_VALUE(match_wipe) struct match m = {0};
    TRY(match_run(&m, pattern, text, longest, false));
    buf_str(out, m.ends[0] == NO_MATCH ? text : text + m.ends[0]);
    return NULL;
}

struct err *pattern_trim_after(struct buf *out, const char *pattern, const char *text, bool longest)
{
    AUTO_VALUE(match_wipe) struct match m = {0};
    TRY(match_run(&m, pattern, text, longest, true));
    size_t cut = m.len;
    for (size_t at = 0; at <= m.len; at++) {
        /* A match may not begin inside a character. */
        if (m.ends[at] == NO_MATCH || (at < m.len && ((uint8_t)text[at] & 0xc0) == 0x80))
            continue;
        cut = at;
        if (longest)
            break;
    }
    buf_add(out, text, cut);
    return NULL;
}

struct err *pattern_replace(struct buf *out, const char *pattern, const char *text, const char *with,
                            bool all)
{
    AUTO_VALUE(match_wipe) struct match m = {0};
    TRY(match_run(&m, pattern, text, true, false));
    size_t copied = 0;
    size_t at = 0;
    while (at <= m.len) {
        uint32_t code;
        size_t width = rune_next(text + at, m.len - at, &code);
        if (m.ends[at] == NO_MATCH) {
            at += width ? width : 1;
            continue;
        }
        size_t end = (size_t)m.ends[at];
        buf_add(out, text + copied, at - copied);
        /* No replacement for nothing right after another match, as Go's regexp does it. */
        if (end > copied || at == 0)
            buf_str(out, with);
        copied = end;
        if (!all)
            break;
        at = end > at ? end : at + (width ? width : 1);
    }
    buf_str(out, text + copied);
    return NULL;
}
