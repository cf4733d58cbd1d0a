/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "builder/parse.h"
#include "base/runes.h"

#include <string.h>

/*
 * The JSON form of instructions. What is not valid JSON is no mistake but the shell form, so this reader only
 * has to say yes or no, and remembers where each string stood.
 */

#define DEPTH_MAX 64

struct json {
    const char *text;
    size_t len;
    size_t at;
    unsigned depth;
};

static bool read_value(struct json *j);

static char peek(const struct json *j)
{
    return j->at < j->len ? j->text[j->at] : '\0';
}

static void skip_space(struct json *j)
{
    while (j->at < j->len && (peek(j) == ' ' || peek(j) == '\t' || peek(j) == '\r' || peek(j) == '\n'))
        j->at++;
}

static bool take(struct json *j, char c)
{
    skip_space(j);
    if (peek(j) != c)
        return false;
    j->at++;
    return true;
}

static void add_code(struct buf *out, uint32_t code)
{
    if (code >= 0xd800 && code <= 0xdfff)
        code = RUNE_INVALID;
    if (code < 0x80) {
        buf_byte(out, (char)code);
    } else if (code < 0x800) {
        buf_byte(out, (char)(0xc0 | code >> 6));
        buf_byte(out, (char)(0x80 | (code & 0x3f)));
    } else if (code < 0x10000) {
        buf_byte(out, (char)(0xe0 | code >> 12));
        buf_byte(out, (char)(0x80 | (code >> 6 & 0x3f)));
        buf_byte(out, (char)(0x80 | (code & 0x3f)));
    } else {
        buf_byte(out, (char)(0xf0 | code >> 18));
        buf_byte(out, (char)(0x80 | (code >> 12 & 0x3f)));
        buf_byte(out, (char)(0x80 | (code >> 6 & 0x3f)));
        buf_byte(out, (char)(0x80 | (code & 0x3f)));
    }
}

static bool read_hex(struct json *j, uint32_t *out)
{
    if (j->len - j->at < 4)
        return false;
    *out = 0;
    for (int i = 0; i < 4; i++) {
        char c = str_lower(j->text[j->at++]);
        if (!str_is_digit(c) && (c < 'a' || c > 'f'))
            return false;
        *out = *out << 4 | (uint32_t)(str_is_digit(c) ? c - '0' : c - 'a' + 10);
    }
    return true;
}

/* After "\u". A surrogate without its other half becomes U+FFFD, as in Go. */
static bool read_unicode(struct json *j, struct buf *out)
{
    uint32_t code;
    if (!read_hex(j, &code))
        return false;
    size_t here = j->at;
    uint32_t low;
    if (code >= 0xd800 && code < 0xdc00 && j->len - j->at >= 6 && j->text[j->at] == '\\' &&
        j->text[j->at + 1] == 'u') {
        j->at += 2;
        if (read_hex(j, &low) && low >= 0xdc00 && low <= 0xdfff)
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        else
            j->at = here;
    }
    add_code(out, code);
    return true;
}

static bool read_escape(struct json *j, struct buf *out)
{
    static const char from[] = "\"\\/bfnrt";
    static const char to[] = "\"\\/\b\f\n\r\t";
    char c = peek(j);
    if (!c)
        return false;
    j->at++;
    if (c == 'u')
        return read_unicode(j, out);
    const char *found = strchr(from, c);
    if (found)
        buf_byte(out, to[found - from]);
    return found;
}

/* After the opening quote. */
static bool read_string(struct json *j, struct buf *out)
{
    while (j->at < j->len) {
        char c = j->text[j->at];
        if ((unsigned char)c < 0x20)
            return false;
        j->at++;
        if (c == '"')
            return true;
        if (c != '\\')
            buf_byte(out, c);
        else if (!read_escape(j, out))
            return false;
    }
    return false;
}

static bool read_digits(struct json *j)
{
    size_t start = j->at;
    while (str_is_digit(peek(j)))
        j->at++;
    return j->at > start;
}

static bool read_number(struct json *j)
{
    if (peek(j) == '-')
        j->at++;
    if (peek(j) == '0')
        j->at++;
    else if (!read_digits(j))
        return false;
    if (peek(j) == '.') {
        j->at++;
        if (!read_digits(j))
            return false;
    }
    if (peek(j) == 'e' || peek(j) == 'E') {
        j->at++;
        if (peek(j) == '+' || peek(j) == '-')
            j->at++;
        return read_digits(j);
    }
    return true;
}

static bool read_literal(struct json *j)
{
    static const char *const literals[] = {"true", "false", "null"};
    for (size_t i = 0; i < ARRAY_LEN(literals); i++) {
        size_t len = strlen(literals[i]);
        if (j->len - j->at >= len && memcmp(j->text + j->at, literals[i], len) == 0) {
            j->at += len;
            return true;
        }
    }
    return false;
}

static bool skip_string(struct json *j)
{
    AUTO_VALUE(buf_wipe) struct buf text = BUF(BUF_NO_LIMIT);
    return take(j, '"') && read_string(j, &text);
}

/* The members of an object or list, after its opening bracket. */
static bool read_members(struct json *j, bool object, char close)
{
    if (take(j, close))
        return true;
    do {
        if (object && (!skip_string(j) || !take(j, ':')))
            return false;
        if (!read_value(j))
            return false;
    } while (take(j, ','));
    return take(j, close);
}

static bool read_value(struct json *j)
{
    skip_space(j);
    char c = peek(j);
    if (c == '"')
        return skip_string(j);
    if (c != '{' && c != '[')
        return c == '-' || str_is_digit(c) ? read_number(j) : read_literal(j);
    if (j->depth >= DEPTH_MAX)
        return false;
    j->at++;
    j->depth++;
    bool ok = read_members(j, c == '{', c == '{' ? '}' : ']');
    j->depth--;
    return ok;
}

struct list {
    struct word_list words;
    bool mixed;
    bool nul;
};

static void list_wipe(struct list *l)
{
    for (size_t i = 0; i < l->words.count; i++)
        mem_free(l->words.item[i].text);
    mem_free(l->words.item);
}

static bool read_item(const struct parse *p, struct json *j, struct list *out)
{
    skip_space(j);
    if (peek(j) != '"') {
        out->mixed = true;
        return read_value(j);
    }
    struct part raw = {j->text + j->at, 0};
    AUTO_VALUE(buf_wipe) struct buf text = BUF(BUF_NO_LIMIT);
    j->at++;
    if (!read_string(j, &text))
        return false;
    raw.len = (size_t)(j->text + j->at - raw.text);
    out->nul = out->nul || strlen(buf_text(&text)) != text.len;
    word_list_add(&out->words, (struct word){
                                   .text = mem_strndup(buf_text(&text), text.len),
                                   .at = part_span(p, raw),
                               });
    return true;
}

enum json_form parse_json_list(const struct parse *p, struct part part, struct word_list *out)
{
    part = part_trim(part);
    struct json j = {.text = part.text, .len = part.len};
    if (!take(&j, '['))
        return JSON_NONE;
    AUTO_VALUE(list_wipe) struct list list = {0};
    if (!take(&j, ']')) {
        do {
            if (!read_item(p, &j, &list))
                return JSON_NONE;
        } while (take(&j, ','));
        if (!take(&j, ']'))
            return JSON_NONE;
    }
    skip_space(&j);
    if (j.at < j.len)
        return JSON_NONE;
    if (list.mixed || list.nul)
        return list.mixed ? JSON_MIXED : JSON_NUL;
    for (size_t i = 0; i < list.words.count; i++)
        word_list_add(out, list.words.item[i]);
    list.words.count = 0;
    return JSON_LIST;
}

static bool read_list(struct parse *p, struct part part)
{
    switch (parse_json_list(p, part, &p->instr->arg)) {
    case JSON_LIST:
        p->instr->json = true;
        return true;
    case JSON_MIXED:
        parse_mistake_always(p, part_span(p, part), "strings in double quotes", NULL,
                             "when using JSON array syntax, arrays must be comprised of strings only");
        return true;
    case JSON_NUL:
        parse_mistake_always(p, part_span(p, part), NULL, "no path, argument or variable can hold a NUL byte",
                             "a string of the JSON list has a NUL byte");
        return true;
    case JSON_NONE:
    default:
        return false;
    }
}

void parse_json_or_text(struct parse *p, struct part part)
{
    if (part.len > 0 && !read_list(p, part))
        word_list_add(&p->instr->arg, part_word(p, part));
}

void parse_json_or_fields(struct parse *p, struct part part)
{
    if (!read_list(p, part))
        parse_fields(p, part, &p->instr->arg);
}
