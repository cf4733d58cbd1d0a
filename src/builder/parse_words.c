/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "builder/parse.h"
#include "base/runes.h"

#include <string.h>

struct part part_trim(struct part p)
{
    size_t skip = rune_space_before(p.text, p.len);
    p.text += skip;
    p.len -= skip;
    p.len -= rune_space_after(p.text, p.len);
    return p;
}

bool part_is(struct part p, const char *text)
{
    if (p.len != strlen(text))
        return false;
    for (size_t i = 0; i < p.len; i++) {
        if (str_lower(p.text[i]) != str_lower(text[i]))
            return false;
    }
    return true;
}

struct span part_span(const struct parse *p, struct part part)
{
    size_t from = (size_t)(part.text - p->line->text.data);
    return logical_span(p->line, from, from + part.len);
}

struct word part_word(const struct parse *p, struct part part)
{
    return (struct word){.text = mem_strndup(part.text, part.len), .at = part_span(p, part)};
}

void word_list_add(struct word_list *list, struct word word_take)
{
    MEM_PUSH(list->item, list->count, list->room, word_take);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\v' || c == '\f' || c == '\r';
}

bool part_split(struct part part, struct part *first, struct part *rest)
{
    size_t at = 0;
    while (at < part.len && !is_blank(part.text[at]))
        at++;
    *first = (struct part){part.text, at};
    while (at < part.len && is_blank(part.text[at]))
        at++;
    *rest = (struct part){part.text + at, part.len - at};
    return at > first->len;
}

void parse_fields(const struct parse *p, struct part part, struct word_list *out)
{
    if (part.len == 0)
        return;
    struct part field;
    bool more = true;
    while (more) {
        more = part_split(part, &field, &part);
        word_list_add(out, part_word(p, field));
    }
}

/* Where the word that begins at `at` ends. */
static size_t word_end(const struct part *part, size_t at, char escape)
{
    char quote = '\0';
    while (at < part->len) {
        uint32_t code;
        size_t step = rune_next(part->text + at, part->len - at, &code);
        char c = part->text[at];
        if (!quote && rune_is_space(code))
            break;
        at += step;
        if (c == escape && quote != '\'') {
            at += rune_next(part->text + at, part->len - at, &code);
            continue;
        }
        if (quote && c == quote)
            quote = '\0';
        else if (!quote && (c == '\'' || c == '"'))
            quote = c;
    }
    return at;
}

/* Does an escape character stand at the very end, with nothing to escape? */
static bool ends_in_escape(const char *text, size_t len, char escape)
{
    char quote = '\0';
    bool dangling = false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        dangling = c == escape && quote != '\'';
        if (dangling && i + 1 < len) {
            i++;
            dangling = false;
        } else if (quote && c == quote) {
            quote = '\0';
        } else if (!quote && (c == '\'' || c == '"')) {
            quote = c;
        }
    }
    return dangling;
}

void parse_words(const struct parse *p, struct part part, struct word_list *out)
{
    char escape = p->file->escape;
    size_t at = 0;
    for (;;) {
        at += rune_space_before(part.text + at, part.len - at);
        if (at >= part.len)
            return;
        size_t end = word_end(&part, at, escape);
        struct part word = {part.text + at, end - at};
        if (end == part.len && ends_in_escape(word.text, word.len, escape))
            word.len--;
        if (word.len > 0)
            word_list_add(out, part_word(p, word));
        at = end;
    }
}

static void add_flag(struct parse *p, struct part raw, const char *text)
{
    const char *equals = strchr(text, '=');
    size_t name_len = (equals ? (size_t)(equals - text) : strlen(text)) - 2;
    const char *raw_equals = memchr(raw.text, '=', raw.len);
    struct part name = raw;
    if (equals && raw_equals)
        name.len = (size_t)(raw_equals - raw.text);
    struct flag flag = {
        .name = {.text = mem_strndup(text + 2, name_len), .at = part_span(p, name)},
    };
    if (equals) {
        struct part value = raw;
        if (raw_equals) {
            value.text = raw_equals + 1;
            value.len = (size_t)(raw.text + raw.len - value.text);
        }
        flag.value = (struct word){.text = mem_strdup(equals + 1), .at = part_span(p, value)};
    }
    struct flag_list *list = &p->instr->flag;
    MEM_PUSH(list->item, list->count, list->room, flag);
}

/* One word without its quotes and escapes. Where it ends. As in BuildKit, flags end at ASCII white space
 * only. */
static size_t flag_end(struct part part, char escape, struct buf *text)
{
    char quote = '\0';
    size_t at = 0;
    while (at < part.len) {
        char c = part.text[at];
        if (!quote && str_is_space(c))
            break;
        at++;
        if (!quote && (c == '\'' || c == '"')) {
            quote = c;
            continue;
        }
        if (quote && c == quote) {
            quote = '\0';
            continue;
        }
        if (c == escape) {
            if (at == part.len)
                break;
            c = part.text[at++];
        }
        buf_byte(text, c);
    }
    return at;
}

struct part parse_take_flags(struct parse *p, struct part part)
{
    AUTO_VALUE(buf_wipe) struct buf text = BUF(BUF_NO_LIMIT);
    for (;;) {
        while (part.len > 0 && str_is_space(*part.text)) {
            part.text++;
            part.len--;
        }
        if (part.len < 2 || part.text[0] != '-' || part.text[1] != '-')
            return part_trim(part);
        buf_clear(&text);
        size_t end = flag_end(part, p->file->escape, &text);
        struct part raw = {part.text, end};
        part.text += end;
        part.len -= end;
        if (str_eq(buf_text(&text), "--"))
            return part_trim(part);
        add_flag(p, raw, buf_text(&text));
    }
}
