/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/expand.h"
#include "base/buf.h"
#include "base/mem.h"
#include "builder/pattern.h"
#include "base/runes.h"
#include "builder/splitter.h"

#include <string.h>

#define TO_THE_END (-1)

struct expansion {
    const char *text;
    size_t len;
    size_t at;
    const struct expand_env *env;
    struct expand_used *used; /* may be NULL */
    char escape;
    unsigned flags;
    bool raw_escapes;
    size_t max;
    unsigned depth;
};

static struct err *expand_until(struct expansion *x, int stop, bool raw_escapes, struct buf *out,
                                struct splitter *words);

/* The next byte, or TO_THE_END. */
static int peek(const struct expansion *x)
{
    return x->at < x->len ? (unsigned char)x->text[x->at] : TO_THE_END;
}

static struct err *bad_word(const char *what)
{
    return err_new(ERR_INPUT, "%s", what);
}

static const char *lookup(const struct expansion *x, const char *name)
{
    const char *value = *name ? x->env->get(x->env->ctx, name) : NULL;
    if (x->used && *name) {
        struct strlist *list = value ? &x->used->set : &x->used->unset;
        if (list->count < EXPAND_USED_MAX && !strlist_has(list, name))
            strlist_add(list, name);
    }
    return value;
}

/* A name of letters, digits and "_"; a number; or one of the shell's special parameters. "" when there is
 * none. */
static char *read_name(struct expansion *x)
{
    size_t start = x->at;
    int first = peek(x);
    if (first > 0 && strchr("@*#?-$!", first)) {
        x->at++;
        return mem_strndup(x->text + start, 1);
    }
    bool number = first >= 0 && rune_is_digit((uint32_t)first);
    while (x->at < x->len) {
        uint32_t code;
        size_t step = rune_next(x->text + x->at, x->len - x->at, &code);
        if (!rune_is_digit(code) && (number || (!rune_is_letter(code) && code != '_')))
            break;
        x->at += step;
    }
    return mem_strndup(x->text + start, x->at - start);
}

static struct err *missing(const char *what)
{
    return err_hint(err_new(ERR_INPUT, "syntax error: missing %s", what),
                    "a dollar sign that is meant as such is escaped");
}

/* What is wrong at the very end of the text is wrong because `what` never came. */
static struct err *closed_by(const struct expansion *x, const char *what, struct err *cause_take)
{
    AUTO(err_free) struct err *cause = cause_take;
    if (cause && err_kind_of(cause) == ERR_INPUT && x->at >= x->len)
        return missing(what);
    return TAKE(cause);
}

/* ${name-word} and its kin, after the modifier: with `null_is_unset` it had a colon before. */
static struct err *substitute(struct expansion *x, const char *name, bool null_is_unset, int modifier,
                              struct buf *out)
{
    bool trims = modifier == '#' || modifier == '%';
    if (null_is_unset && trims)
        return err_new(ERR_INPUT, "unsupported modifier (:%c) in substitution", modifier);
    AUTO_VALUE(buf_wipe) struct buf word_buf = BUF(x->max);
    TRY(closed_by(x, "'}'", expand_until(x, '}', trims, &word_buf, NULL)));
    const char *word = buf_text(&word_buf);
    const char *value = lookup(x, name);
    if (!value && (x->flags & EXPAND_KEEP_UNSET)) {
        buf_printf(out, "${%s%s%c%s}", name, null_is_unset ? ":" : "", modifier, word);
        return NULL;
    }
    bool absent = !value || (null_is_unset && !*value);
    bool longest = trims && word[0] == modifier;
    switch (modifier) {
    case '-':
        buf_str(out, absent ? word : value);
        return NULL;
    case '+':
        buf_str(out, absent ? "" : word);
        return NULL;
    case '?':
        if (absent)
            return err_new(ERR_INPUT, "%s: %s", name,
                           *word   ? word
                           : value ? "is not allowed to be empty"
                                   : "is not allowed to be unset");
        buf_str(out, value);
        return NULL;
    case '#':
        return pattern_trim_before(out, word + longest, value ? value : "", longest);
    case '%':
        return pattern_trim_after(out, word + longest, value ? value : "", longest);
    default:
        return err_new(ERR_INPUT, "unsupported modifier (%s%c) in substitution", null_is_unset ? ":" : "",
                       modifier >= 0x20 && modifier < 0x7f ? modifier : '?');
    }
}

/* ${name/pattern/word}, after the first slash. */
static struct err *replace(struct expansion *x, const char *name, struct buf *out)
{
    bool all = peek(x) == '/';
    if (all)
        x->at++;
    AUTO_VALUE(buf_wipe) struct buf pattern = BUF(x->max);
    AUTO_VALUE(buf_wipe) struct buf with = BUF(x->max);
    TRY(closed_by(x, "'/' in ${}", expand_until(x, '/', true, &pattern, NULL)));
    TRY(closed_by(x, "'}'", expand_until(x, '}', true, &with, NULL)));
    const char *value = lookup(x, name);
    if (!value && (x->flags & EXPAND_KEEP_UNSET)) {
        buf_printf(out, "${%s/%s/%s}", name, buf_text(&pattern), buf_text(&with));
        return NULL;
    }
    return pattern_replace(out, buf_text(&pattern), value ? value : "", buf_text(&with), all);
}

/* After "${". */
static struct err *braces(struct expansion *x, struct buf *out)
{
    int next = peek(x);
    if (next == TO_THE_END)
        return missing("'}'");
    if (next == '{' || next == '}' || next == ':')
        return err_hint(bad_word("syntax error: bad substitution"), "expected a variable's name after ${");
    AUTO(mem_free) char *name = read_name(x);
    int modifier = peek(x);
    if (modifier == TO_THE_END)
        return missing("'}'");
    x->at++;
    if (modifier == '}') {
        const char *value = lookup(x, name);
        if (value)
            buf_str(out, value);
        else if (x->flags & EXPAND_KEEP_UNSET)
            buf_printf(out, "${%s}", name);
        return NULL;
    }
    if (modifier == '/')
        return replace(x, name, out);
    if (modifier != ':') {
        if (!strchr("+-?#%", modifier))
            return err_new(ERR_INPUT, "unsupported modifier (%c) in substitution",
                           modifier > 0x20 && modifier < 0x7f ? modifier : '?');
        return substitute(x, name, false, modifier, out);
    }
    modifier = peek(x);
    if (modifier == TO_THE_END)
        return missing("'}'");
    x->at++;
    return substitute(x, name, true, modifier, out);
}

static struct err *dollar(struct expansion *x, struct buf *out)
{
    x->at++;
    if (peek(x) == '{') {
        x->at++;
        if (x->depth >= EXPAND_DEPTH_MAX)
            return err_new(ERR_RESOURCE, "substitutions are nested more than %d deep", EXPAND_DEPTH_MAX);
        x->depth++;
        struct err *e = braces(x, out);
        x->depth--;
        return e;
    }
    AUTO(mem_free) char *name = read_name(x);
    const char *value = *name ? lookup(x, name) : NULL;
    if (value)
        buf_str(out, value);
    else if (!*name || (x->flags & EXPAND_KEEP_UNSET))
        buf_printf(out, "$%s", name);
    return NULL;
}

static struct err *single_quotes(struct expansion *x, struct buf *out)
{
    const char *start = x->text + x->at + 1;
    const char *end = memchr(start, '\'', x->len - x->at - 1);
    if (!end) {
        x->at = x->len;
        return bad_word("unexpected end of statement while looking for matching single-quote");
    }
    if (x->flags & EXPAND_RAW_QUOTES)
        buf_add(out, start - 1, (size_t)(end - start) + 2);
    else
        buf_add(out, start, (size_t)(end - start));
    x->at = (size_t)(end - x->text) + 1;
    return NULL;
}

/* In double quotes only the quote, the dollar and the escape character itself can be escaped. */
static void escape_in_quotes(struct expansion *x, struct buf *out)
{
    x->at++;
    if (x->raw_escapes)
        buf_byte(out, x->escape);
    int next = peek(x);
    if (next == TO_THE_END)
        return;
    if (next == '"' || next == '$' || next == x->escape)
        x->at++;
    else
        next = (unsigned char)x->escape;
    buf_byte(out, (char)next);
}

static struct err *double_quotes(struct expansion *x, struct buf *out)
{
    x->at++;
    if (x->flags & EXPAND_RAW_QUOTES)
        buf_byte(out, '"');
    for (;;) {
        int c = peek(x);
        if (c == TO_THE_END)
            return bad_word("unexpected end of statement while looking for matching double-quote");
        if (c == '$') {
            TRY(dollar(x, out));
        } else if (c == x->escape) {
            escape_in_quotes(x, out);
        } else {
            x->at++;
            if (c != '"' || (x->flags & EXPAND_RAW_QUOTES))
                buf_byte(out, (char)c);
            if (c == '"')
                return NULL;
        }
        if (out->full)
            return NULL;
    }
}

/* "<<" takes the white space after it into the word: what follows may be the name of a here-document. */
static void heredoc_mark(struct expansion *x, struct buf *out)
{
    x->at++;
    buf_byte(out, '<');
    if (peek(x) != '<')
        return;
    x->at++;
    buf_byte(out, '<');
    for (int c = peek(x); c == ' ' || c == '\t' || c == '\r'; c = peek(x)) {
        buf_byte(out, (char)c);
        x->at++;
    }
}

/* An escape character outside of quotes, or an ordinary character. */
static void plain(struct expansion *x, struct buf *out, struct splitter *words)
{
    uint32_t code;
    size_t step = rune_next(x->text + x->at, x->len - x->at, &code);
    if (x->text[x->at] != x->escape) {
        buf_add(out, x->text + x->at, step);
        splitter_text(words, x->text + x->at, step);
        x->at += step;
        return;
    }
    if (x->raw_escapes) {
        buf_byte(out, x->escape);
        splitter_add(words, &x->escape, 1);
    }
    x->at++;
    if (x->at >= x->len)
        return;
    step = rune_next(x->text + x->at, x->len - x->at, &code);
    buf_add(out, x->text + x->at, step);
    splitter_add(words, x->text + x->at, step);
    x->at += step;
}

static struct err *special(struct expansion *x, int c, struct buf *out, bool *done)
{
    bool quotes = !(x->flags & EXPAND_NO_QUOTES);
    *done = true;
    if (c == '$')
        return dollar(x, out);
    if (c == '\'' && quotes)
        return single_quotes(x, out);
    if (c == '"' && quotes)
        return double_quotes(x, out);
    *done = c == '<';
    if (*done)
        heredoc_mark(x, out);
    return NULL;
}

static struct err *expand_until(struct expansion *x, int stop, bool raw_escapes, struct buf *out,
                                struct splitter *words)
{
    bool before = x->raw_escapes;
    x->raw_escapes = raw_escapes;
    for (int c = peek(x); c != TO_THE_END && c != stop; c = peek(x)) {
        size_t had = out->len;
        bool done;
        TRY(special(x, c, out, &done));
        if (!done)
            plain(x, out, words);
        else if (words && c == '$')
            splitter_text(words, buf_text(out) + had, out->len - had);
        else if (words)
            splitter_add(words, buf_text(out) + had, out->len - had);
        TRY(buf_check(out, "the result of an expansion"));
    }
    x->raw_escapes = before;
    if (stop == TO_THE_END)
        return NULL;
    if (peek(x) == TO_THE_END)
        return err_new(ERR_INPUT, "unexpected end of statement while looking for matching %c", stop);
    x->at++;
    return NULL;
}

static struct err *expand(struct buf *out, struct splitter *words, const char *text,
                          const struct expand_env *env, char escape, unsigned flags, struct expand_used *used)
{
    struct expansion x = {
        .text = text,
        .len = strlen(text),
        .env = env,
        .used = used,
        .escape = escape,
        .flags = flags,
    };
    x.max = EXPAND_SIZE_MAX;
    if (x.len < EXPAND_SIZE_MAX / EXPAND_GROWTH)
        x.max = x.len * EXPAND_GROWTH > EXPAND_GROWTH_FREE ? x.len * EXPAND_GROWTH : EXPAND_GROWTH_FREE;
    if (x.max < x.len)
        x.max = x.len;
    *out = BUF(x.max);
    return expand_until(&x, TO_THE_END, (flags & EXPAND_RAW_ESCAPES) != 0, out, words);
}

struct err *expand_word(char **out, const char *text, const struct expand_env *env, char escape,
                        unsigned flags, struct expand_used *used)
{
    AUTO_VALUE(buf_wipe) struct buf result = {0};
    TRY(expand(&result, NULL, text, env, escape, flags, used));
    *out = result.data ? buf_take(&result) : mem_strdup("");
    return NULL;
}

struct err *expand_words(struct strlist *out, const char *text, const struct expand_env *env, char escape,
                         unsigned flags, struct expand_used *used)
{
    AUTO_VALUE(buf_wipe) struct buf result = {0};
    AUTO_VALUE(strlist_wipe) struct strlist list = {0};
    AUTO_VALUE(splitter_wipe) struct splitter words = {.list = &list, .pending = BUF(BUF_NO_LIMIT)};
    TRY(expand(&result, &words, text, env, escape, flags, used));
    splitter_flush(&words);
    for (size_t i = 0; i < list.count; i++)
        strlist_add_take(out, TAKE(list.item[i]));
    return NULL;
}

static const char *map_get(void *ctx, const char *name)
{
    return strmap_get(ctx, name);
}

struct expand_env expand_env_map(struct strmap *map)
{
    return (struct expand_env){.get = map_get, .ctx = map};
}

void expand_used_wipe(struct expand_used *used)
{
    strlist_wipe(&used->set);
    strlist_wipe(&used->unset);
}
