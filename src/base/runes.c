/* SPDX-License-Identifier: Apache-2.0 */
#include "base/runes.h"
#include "base/str.h"

struct range {
    uint32_t first;
    uint32_t last;
};

static const struct range spaces[] = {
    {0x09, 0x0d},     {0x20, 0x20},     {0x85, 0x85},     {0xa0, 0xa0},     {0x1680, 0x1680},
    {0x2000, 0x200a}, {0x2028, 0x2029}, {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000},
};

/* Above ASCII, in order. */
static const struct range not_letters[] = {
    {0x80, 0xa9},        {0xab, 0xb4},     {0xb6, 0xb9},     {0xbb, 0xbf},       {0xd7, 0xd7},
    {0xf7, 0xf7},        {0x2c2, 0x2c5},   {0x2d2, 0x2df},   {0x300, 0x36f},     {0x483, 0x489},
    {0x591, 0x5cf},      {0x600, 0x61f},   {0x64b, 0x66d},   {0x1680, 0x1680},   {0x2000, 0x2070},
    {0x2072, 0x207e},    {0x2080, 0x208e}, {0x20a0, 0x2101}, {0x2190, 0x2bff},   {0x2e00, 0x3004},
    {0x3007, 0x3030},    {0x3036, 0x303a}, {0x303d, 0x3040}, {0x3099, 0x309c},   {0x30a0, 0x30a0},
    {0x30fb, 0x30fb},    {0x3190, 0x319f}, {0x31c0, 0x31ef}, {0x3200, 0x33ff},   {0x4dc0, 0x4dff},
    {0xa490, 0xa4cf},    {0xd800, 0xf8ff}, {0xfd3e, 0xfd4f}, {0xfe00, 0xfe6f},   {0xfeff, 0xff20},
    {0xff3b, 0xff40},    {0xff5b, 0xff65}, {0xffe0, 0xffff}, {0x1d000, 0x1d3ff}, {0x1f000, 0x1ffff},
    {0xe0000, 0x10ffff},
};

static const struct range wide[] = {
    {0x1100, 0x115f}, {0x2e80, 0xa4cf}, {0xac00, 0xd7a3},   {0xf900, 0xfaff},
    {0xfe30, 0xfe6f}, {0xff00, 0xff60}, {0x1f300, 0x1faff}, {0x20000, 0x3fffd},
};

static bool in(uint32_t code, const struct range *list, size_t count)
{
    for (size_t i = 0; i < count && code >= list[i].first; i++) {
        if (code <= list[i].last)
            return true;
    }
    return false;
}

size_t rune_next(const char *text, size_t len, uint32_t *code)
{
    uint32_t found = RUNE_INVALID;
    size_t step = str_utf8_next(text, len, &found);
    *code = found;
    return step == 0 && len > 0 ? 1 : step;
}

bool rune_is_space(uint32_t code)
{
    return in(code, spaces, ARRAY_LEN(spaces));
}

bool rune_is_digit(uint32_t code)
{
    return code >= '0' && code <= '9';
}

bool rune_is_letter(uint32_t code)
{
    if (code < 0x80)
        return (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z');
    return !in(code, not_letters, ARRAY_LEN(not_letters));
}

bool rune_is_wide(uint32_t code)
{
    return in(code, wide, ARRAY_LEN(wide));
}

size_t rune_space_before(const char *text, size_t len)
{
    size_t at = 0;
    while (at < len) {
        uint32_t code;
        size_t step = rune_next(text + at, len - at, &code);
        if (!rune_is_space(code))
            break;
        at += step;
    }
    return at;
}

size_t rune_space_after(const char *text, size_t len)
{
    size_t end = len;
    while (end > 0) {
        size_t step = 1;
        while (step < 4 && step < end && ((unsigned char)text[end - step] & 0xc0) == 0x80)
            step++;
        uint32_t code;
        if (rune_next(text + end - step, step, &code) != step || !rune_is_space(code))
            break;
        end -= step;
    }
    return len - end;
}
