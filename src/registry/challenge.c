/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/challenge.h"
#include "base/buf.h"
#include "base/mem.h"

#include <stdbool.h>
#include <string.h>

static bool is_token(char c)
{
    return str_is_alnum(c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

/* A token, or what stands for one where people forgot the quotes: up to white space, a comma or a quote. */
static bool is_loose(char c)
{
    return (unsigned char)c > ' ' && c != ',' && c != '"' && c != 0x7f;
}

static const char *skip(const char *at, const char *what)
{
    return at + strspn(at, what);
}

static char *take_lower(const char *from, const char *to)
{
    char *text = mem_strndup(from, (size_t)(to - from));
    for (char *c = text; *c; c++)
        *c = str_lower(*c);
    return text;
}

/* The value after "=". NULL when a quote is never closed. */
static char *take_value(const char **at)
{
    const char *c = *at;
    struct buf out = BUF(BUF_NO_LIMIT);
    if (*c != '"') {
        while (is_loose(*c))
            buf_byte(&out, *c++);
        *at = c;
        return buf_take(&out);
    }
    for (c++; *c && *c != '"'; c++) {
        if (*c == '\\' && c[1])
            c++;
        buf_byte(&out, *c);
    }
    if (!*c) {
        buf_wipe(&out);
        return NULL;
    }
    *at = c + 1;
    return buf_take(&out);
}

/* The "=" of a parameter, or NULL when `end` is not followed by one ("abc==" is a token68, no parameter). */
static const char *equals_of(const char *end)
{
    const char *c = skip(end, " \t");
    if (*c != '=')
        return NULL;
    const char *value = skip(c + 1, " \t");
    return *value && *value != ',' && *value != '=' ? value : NULL;
}

/* Credentials in the old form ("Negotiate YII==") tell us nothing. */
static const char *skip_token68(const char *at)
{
    const char *end = at;
    while (is_token(*end) || *end == '/')
        end++;
    const char *padded = skip(end, "=");
    const char *next = skip(padded, " \t");
    return padded > at && (!*next || *next == ',') && !equals_of(end) ? next : at;
}

static struct challenge *add(struct challenges *list, char *scheme_take)
{
    MEM_PUSH(list->item, list->count, list->room, (struct challenge){.scheme = scheme_take});
    return &list->item[list->count - 1];
}

void challenge_parse(struct challenges *list, const char *value)
{
    struct challenge *now = NULL;
    for (const char *at = skip(value, " \t,"); *at; at = skip(at, " \t,")) {
        const char *end = at;
        while (is_token(*end))
            end++;
        if (end == at)
            return;
        const char *text = equals_of(end);
        if (text && now) {
            AUTO(mem_free) char *key = take_lower(at, end);
            AUTO(mem_free) char *got = take_value(&text);
            if (!got || now->params.count >= CHALLENGE_PARAMS_MAX)
                return;
            if (!strmap_get(&now->params, key))
                strmap_add(&now->params, key, got);
            at = text;
            continue;
        }
        if (text || list->count >= CHALLENGES_MAX)
            return;
        now = add(list, take_lower(at, end));
        at = skip_token68(skip(end, " \t"));
    }
}

const struct challenge *challenge_find(const struct challenges *list, const char *scheme)
{
    for (size_t i = 0; i < list->count; i++)
        if (str_eq(list->item[i].scheme, scheme))
            return &list->item[i];
    return NULL;
}

void challenges_wipe(struct challenges *list)
{
    for (size_t i = 0; i < list->count; i++) {
        mem_free(list->item[i].scheme);
        strmap_wipe(&list->item[i].params);
    }
    mem_free(list->item);
    *list = (struct challenges){0};
}
