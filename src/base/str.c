/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "base/buf.h"
#include "base/mem.h"

#include <stdint.h>
#include <string.h>

#define SAFE_MAX 1024

bool str_eq(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

bool str_eq_nocase(const char *a, const char *b)
{
    if (!a || !b)
        return a == b;
    while (*a && str_lower(*a) == str_lower(*b)) {
        a++;
        b++;
    }
    return str_lower(*a) == str_lower(*b);
}

bool str_starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *text, const char *suffix)
{
    size_t text_len = strlen(text);
    size_t len = strlen(suffix);
    return len <= text_len && memcmp(text + text_len - len, suffix, len) == 0;
}

bool str_empty(const char *text)
{
    return !text || !*text;
}

bool str_is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

bool str_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool str_is_alnum(char c)
{
    return str_is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

char str_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

char *str_trim(const char *text)
{
    while (str_is_space(*text))
        text++;
    size_t len = strlen(text);
    while (len > 0 && str_is_space(text[len - 1]))
        len--;
    return mem_strndup(text, len);
}

size_t str_utf8_next(const char *text, size_t len, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (len == 0)
        return 0;
    uint8_t first = (uint8_t)text[0];
    if (first < 0x80) {
        *code = first;
        return 1;
    }
    size_t need = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || need > len)
        return 0;
    uint32_t value = first & (0x7fu >> need);
    for (size_t i = 1; i < need; i++) {
        uint8_t next = (uint8_t)text[i];
        if ((next & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (next & 0x3fu);
    }
    if (value < least[need] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return 0;
    *code = value;
    return need;
}

bool str_utf8_valid(const char *text, size_t len)
{
    uint32_t code;
    for (size_t at = 0; at < len;) {
        size_t step = str_utf8_next(text + at, len - at, &code);
        if (step == 0)
            return false;
        at += step;
    }
    return true;
}

/* Code points that move the cursor, end the line or change the order in which others are shown. */
static bool is_hostile(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x61c || code == 0x200e ||
           code == 0x200f || (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

char *str_escape(const char *text, size_t len, size_t max)
{
    struct buf out = BUF(BUF_NO_LIMIT);
    for (size_t at = 0; at < len;) {
        size_t before = out.len;
        uint32_t code = 0;
        size_t step = str_utf8_next(text + at, len - at, &code);
        if (step == 0)
            buf_printf(&out, "\\x%02x", (uint8_t)text[at]);
        else if (!is_hostile(code))
            buf_add(&out, text + at, step);
        else if (code < 0x80)
            buf_printf(&out, "\\x%02x", (unsigned)code);
        else
            buf_printf(&out, "\\u{%04x}", (unsigned)code);
        if (out.len > max) {
            out.len = before;
            buf_str(&out, "\xe2\x80\xa6");
            break;
        }
        at += step ? step : 1;
    }
    return buf_take(&out);
}

char *str_safe(const char *text)
{
    return str_escape(text, strlen(text), SAFE_MAX);
}

void strlist_add(struct strlist *list, const char *text)
{
    strlist_add_take(list, mem_strdup(text));
}

void strlist_add_take(struct strlist *list, char *text)
{
    MEM_PUSH(list->item, list->count, list->room, text);
}

void strlist_copy(struct strlist *to, const struct strlist *from)
{
    struct strlist copy = {0};
    for (size_t i = 0; i < from->count; i++)
        strlist_add(&copy, from->item[i]);
    strlist_wipe(to);
    *to = copy;
}

bool strlist_has(const struct strlist *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++)
        if (str_eq(list->item[i], text))
            return true;
    return false;
}

static int compare_items(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void strlist_sort(struct strlist *list)
{
    if (list->count > 1)
        qsort(list->item, list->count, sizeof *list->item, compare_items);
}

char *strlist_join(const struct strlist *list, const char *between)
{
    struct buf out = BUF(BUF_NO_LIMIT);
    for (size_t i = 0; i < list->count; i++) {
        if (i)
            buf_str(&out, between);
        buf_str(&out, list->item[i]);
    }
    return buf_take(&out);
}

void strlist_split(struct strlist *list, const char *text, char separator)
{
    strlist_wipe(list);
    while (*text) {
        const char *end = strchr(text, separator);
        if (!end) {
            strlist_add(list, text);
            return;
        }
        strlist_add_take(list, mem_strndup(text, (size_t)(end - text)));
        text = end + 1;
        /* A separator at the end has an empty item behind it. */
        if (!*text)
            strlist_add(list, "");
    }
}

void strlist_remove(struct strlist *list, size_t index)
{
    mem_free(list->item[index]);
    list->count--;
    memmove(list->item + index, list->item + index + 1, (list->count - index) * sizeof *list->item);
}

void strlist_wipe(struct strlist *list)
{
    for (size_t i = 0; i < list->count; i++)
        mem_free(list->item[i]);
    mem_free(list->item);
    *list = (struct strlist){0};
}

static size_t find(const struct strmap *map, const char *key)
{
    size_t i = 0;
    while (i < map->count && strcmp(map->key[i], key) != 0)
        i++;
    return i;
}

void strmap_add(struct strmap *map, const char *key, const char *value)
{
    size_t room = map->room;
    map->key = mem_room(map->key, map->count, &room, sizeof *map->key);
    map->value = mem_room(map->value, map->count, &map->room, sizeof *map->value);
    map->key[map->count] = mem_strdup(key);
    map->value[map->count] = mem_strdup(value);
    map->count++;
}

void strmap_set(struct strmap *map, const char *key, const char *value)
{
    size_t i = find(map, key);
    if (i == map->count) {
        strmap_add(map, key, value);
        return;
    }
    /* `value` may be the old one. */
    char *old = map->value[i];
    map->value[i] = mem_strdup(value);
    mem_free(old);
}

const char *strmap_get(const struct strmap *map, const char *key)
{
    size_t i = find(map, key);
    return i < map->count ? map->value[i] : NULL;
}

void strmap_remove(struct strmap *map, const char *key)
{
    size_t i = find(map, key);
    if (i == map->count)
        return;
    mem_free(map->key[i]);
    mem_free(map->value[i]);
    map->count--;
    memmove(map->key + i, map->key + i + 1, (map->count - i) * sizeof *map->key);
    memmove(map->value + i, map->value + i + 1, (map->count - i) * sizeof *map->value);
}

void strmap_copy(struct strmap *to, const struct strmap *from)
{
    struct strmap copy = {0};
    for (size_t i = 0; i < from->count; i++)
        strmap_add(&copy, from->key[i], from->value[i]);
    strmap_wipe(to);
    *to = copy;
}

struct pair {
    char *key;
    char *value;
};

static int compare_pairs(const void *a, const void *b)
{
    return strcmp(((const struct pair *)a)->key, ((const struct pair *)b)->key);
}

void strmap_sort(struct strmap *map)
{
    if (map->count < 2)
        return;
    AUTO(mem_free) struct pair *pairs = mem_grow(NULL, map->count, sizeof *pairs);
    for (size_t i = 0; i < map->count; i++)
        pairs[i] = (struct pair){map->key[i], map->value[i]};
    qsort(pairs, map->count, sizeof *pairs, compare_pairs);
    for (size_t i = 0; i < map->count; i++) {
        map->key[i] = pairs[i].key;
        map->value[i] = pairs[i].value;
    }
}

void strmap_wipe(struct strmap *map)
{
    for (size_t i = 0; i < map->count; i++) {
        mem_free(map->key[i]);
        mem_free(map->value[i]);
    }
    mem_free(map->key);
    mem_free(map->value);
    *map = (struct strmap){0};
}
