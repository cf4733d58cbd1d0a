/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/str.h"
#include "builder/ignore_regex.h"
#include "base/runes.h"

#include <string.h>

#define LAST_CODE 0x10ffff

struct named_class {
    const char *name;
    size_t count;
    struct ignore_range range[5];
};

static const struct named_class escapes[] = {
    {"d", 1, {{'0', '9'}}},
    {"s", 3, {{'\t', '\n'}, {'\f', '\r'}, {' ', ' '}}},
    {"w", 4, {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}},
};

static const struct named_class names[] = {
    {"alnum", 3, {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}}},
    {"alpha", 2, {{'A', 'Z'}, {'a', 'z'}}},
    {"ascii", 1, {{0, 0x7f}}},
    {"blank", 2, {{'\t', '\t'}, {' ', ' '}}},
    {"cntrl", 2, {{0, 0x1f}, {0x7f, 0x7f}}},
    {"digit", 1, {{'0', '9'}}},
    {"graph", 1, {{'!', '~'}}},
    {"lower", 1, {{'a', 'z'}}},
    {"print", 1, {{' ', '~'}}},
    {"punct", 4, {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}}},
    {"space", 2, {{'\t', '\r'}, {' ', ' '}}},
    {"upper", 1, {{'A', 'Z'}}},
    {"word", 4, {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}},
    {"xdigit", 3, {{'0', '9'}, {'A', 'F'}, {'a', 'f'}}},
};

static void add_range(struct ignore_class *c, uint32_t low, uint32_t high)
{
    MEM_PUSH(c->range, c->count, c->room, (struct ignore_range){low, high});
}

/* The ranges of a named class are in order, so their complement is the gaps. */
static void add_named(struct ignore_class *c, const struct named_class *n, bool negated)
{
    uint32_t next = 0;
    for (size_t i = 0; i < n->count; i++) {
        if (!negated)
            add_range(c, n->range[i].low, n->range[i].high);
        else if (n->range[i].low > next)
            add_range(c, next, n->range[i].low - 1);
        next = n->range[i].high + 1;
    }
    if (negated)
        add_range(c, next, LAST_CODE);
}

bool ignore_class_has(const struct ignore_class *c, uint32_t code)
{
    for (size_t i = 0; i < c->count; i++) {
        if (c->range[i].low <= code && code <= c->range[i].high)
            return !c->negated;
    }
    return c->negated;
}

size_t ignore_class_escape(struct ignore_class *c, const char *text, size_t len, bool *is_code,
                           uint32_t *code, const char **fault)
{
    static const char controls[] = "a\af\ft\tn\nr\rv\v";
    *is_code = true;
    if (len == 0) {
        *fault = "the \\ at its end stands before nothing";
        return 0;
    }
    if ((unsigned char)*text < 0x80 && !str_is_alnum(*text)) {
        *code = (unsigned char)*text;
        return 1;
    }
    for (size_t i = 0; controls[i]; i += 2) {
        if (*text == controls[i]) {
            *code = (unsigned char)controls[i + 1];
            return 1;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(escapes); i++) {
        if (str_lower(*text) == escapes[i].name[0]) {
            add_named(c, &escapes[i], *text != escapes[i].name[0]);
            *is_code = false;
            return 1;
        }
    }
    *fault = "a \\ before this letter or digit has no meaning";
    return 0;
}

/* "[:alpha:]" or "[:^alpha:]" inside a class: the bytes read; 0 when it is none. */
static size_t parse_named(struct ignore_class *c, const char *text, size_t len, const char **fault)
{
    if (len < 3 || text[0] != '[' || text[1] != ':')
        return 0;
    const char *end = memmem(text + 2, len - 2, ":]", 2);
    if (!end)
        return 0;
    bool negated = text[2] == '^';
    const char *name = text + 2 + negated;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        size_t name_len = strlen(names[i].name);
        if (end - name == (ptrdiff_t)name_len && memcmp(name, names[i].name, name_len) == 0) {
            add_named(c, &names[i], negated);
            return (size_t)(end + 2 - text);
        }
    }
    *fault = "the name between [: and :] is not known";
    return 0;
}

/* One character of a class, escaped or not; *is_code is false for \d and its like. */
static size_t parse_code(struct ignore_class *c, const char *text, size_t len, bool *is_code, uint32_t *code,
                         const char **fault)
{
    *is_code = true;
    if (len == 0) {
        *fault = "the [ is not closed";
        return 0;
    }
    if (*text != '\\')
        return rune_next(text, len, code);
    size_t used = ignore_class_escape(c, text + 1, len - 1, is_code, code, fault);
    return used ? used + 1 : 0;
}

/* A range "a-z", a character or \d. */
static size_t parse_range(struct ignore_class *c, const char *text, size_t len, const char **fault)
{
    bool is_code = true;
    uint32_t low = 0;
    size_t at = parse_code(c, text, len, &is_code, &low, fault);
    if (*fault || !is_code)
        return at;
    uint32_t high = low;
    if (len - at >= 2 && text[at] == '-' && text[at + 1] != ']') {
        at++;
        size_t used = parse_code(c, text + at, len - at, &is_code, &high, fault);
        if (!*fault && (!is_code || high < low))
            *fault = "a range in [] goes backwards";
        at += used;
    }
    add_range(c, low, high);
    return at;
}

size_t ignore_class_parse(struct ignore_class *c, const char *text, size_t len, const char **fault)
{
    size_t at = 0;
    c->negated = len > 0 && text[0] == '^';
    at += c->negated;
    for (bool first = true; first || at >= len || text[at] != ']'; first = false) {
        size_t used = parse_named(c, text + at, len - at, fault);
        if (!used && !*fault)
            used = parse_range(c, text + at, len - at, fault);
        if (*fault)
            return 0;
        at += used;
    }
    return at + 1;
}

void ignore_class_wipe(struct ignore_class *c)
{
    mem_free(c->range);
    *c = (struct ignore_class){0};
}
