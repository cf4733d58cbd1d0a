/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_place.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/num.h"

#include <string.h>

/* The text is known to be JSON: only what is needed to step over it is looked at, and never beyond its NUL.
 */

static const char *skip_space(const char *c)
{
    return c + strspn(c, " \t\r\n");
}

/* From a quote to behind the other. */
static const char *skip_string(const char *c)
{
    for (c++; *c && *c != '"'; c++)
        if (*c == '\\' && c[1])
            c++;
    return *c ? c + 1 : c;
}

static const char *skip_value(const char *c)
{
    size_t depth = 0;
    do {
        if (*c == '"') {
            c = skip_string(c);
        } else if (*c == '{' || *c == '[') {
            depth++;
            c++;
        } else if (*c == '}' || *c == ']') {
            depth--;
            c++;
        } else if (depth > 0) {
            c++;
        } else {
            c += strcspn(c, ",]} \t\r\n");
        }
    } while (depth > 0 && *c);
    return c;
}

/* Is the string literal at `c` this text? */
static bool literal_is(const char *c, const char *end, const char *text)
{
    size_t len = (size_t)(end - c);
    if (!memchr(c, '\\', len))
        return len == strlen(text) + 2 && memcmp(c + 1, text, len - 2) == 0;
    AUTO(json_decref) json_t *value = json_loadb(c, len, JSON_DECODE_ANY, NULL);
    return str_eq(json_string_value(value), text);
}

struct member {
    const char *name, *name_end, *value;
};

static bool find_member(const char *object, const char *name, struct member *out)
{
    const char *c = skip_space(object + 1);
    while (*c == '"') {
        const char *end = skip_string(c);
        const char *value = skip_space(end);
        value = skip_space(*value == ':' ? value + 1 : value);
        if (literal_is(c, end, name)) {
            *out = (struct member){c, end, value};
            return true;
        }
        c = skip_space(skip_value(value));
        c = skip_space(*c == ',' ? c + 1 : c);
    }
    return false;
}

static bool find_item(const char *array, const char *number, struct member *out)
{
    uint64_t index = 0;
    const char *c = skip_space(array + 1);
    if (!num_parse(number, UINT32_MAX, &index))
        return false;
    for (uint64_t i = 0; *c && *c != ']'; i++) {
        if (i == index) {
            *out = (struct member){c, skip_value(c), c};
            return true;
        }
        c = skip_space(skip_value(c));
        c = skip_space(*c == ',' ? c + 1 : c);
    }
    return false;
}

static void count(const char *text, const char *to, unsigned *line, unsigned *column)
{
    const char *start = text;
    *line = 1;
    for (const char *c = text; c < to; c++)
        if (*c == '\n') {
            ++*line;
            start = c + 1;
        }
    *column = (unsigned)(to - start) + 1;
}

struct span json_place(const char *text, const struct strlist *path, bool name)
{
    const char *value = skip_space(text);
    const char *from = value, *to = skip_value(value);
    for (size_t i = 0; i < path->count; i++) {
        struct member m;
        bool found = *value == '{'   ? find_member(value, path->item[i], &m)
                     : *value == '[' ? find_item(value, path->item[i], &m)
                                     : false;
        if (!found)
            break;
        bool last = i + 1 == path->count;
        value = m.value;
        from = last && name ? m.name : m.value;
        to = last && name ? m.name_end : skip_value(m.value);
    }
    struct span at;
    count(text, from, &at.line, &at.column);
    count(text, to, &at.end_line, &at.end_column);
    return at;
}
