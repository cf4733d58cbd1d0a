/* SPDX-License-Identifier: Apache-2.0 */
#include "base/num.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

bool num_add(uint64_t a, uint64_t b, uint64_t *sum)
{
    uint64_t result;
    if (__builtin_add_overflow(a, b, &result))
        return false;
    *sum = result;
    return true;
}

bool num_mul(uint64_t a, uint64_t b, uint64_t *product)
{
    uint64_t result;
    if (__builtin_mul_overflow(a, b, &result))
        return false;
    *product = result;
    return true;
}

bool num_round_up(uint64_t value, uint64_t multiple, uint64_t *rounded)
{
    if (multiple == 0)
        return false;
    uint64_t over = value % multiple;
    return num_add(value, over ? multiple - over : 0, rounded);
}

/* Digits of `base` from *at on, at least one; *at moves behind them. */
static bool digits(const char **at, unsigned base, uint64_t *value)
{
    uint64_t result = 0;
    const char *c = *at;
    for (; *c >= '0' && *c < (char)('0' + base); c++)
        if (!num_mul(result, base, &result) || !num_add(result, (uint64_t)(*c - '0'), &result))
            return false;
    if (c == *at)
        return false;
    *at = c;
    *value = result;
    return true;
}

static bool whole(const char *text, unsigned base, uint64_t max, uint64_t *value)
{
    uint64_t result;
    if (!digits(&text, base, &result) || *text || result > max)
        return false;
    *value = result;
    return true;
}

bool num_parse(const char *text, uint64_t max, uint64_t *value)
{
    return whole(text, 10, max, value);
}

bool num_parse_octal(const char *text, uint64_t max, uint64_t *value)
{
    return whole(text, 8, max, value);
}

/* The value of a sign and a size; false when int64_t does not hold it. */
static bool with_sign(bool negative, uint64_t size, int64_t *value)
{
    if (size > (uint64_t)INT64_MAX + negative)
        return false;
    if (negative && size)
        *value = -(int64_t)(size - 1) - 1;
    else
        *value = (int64_t)size;
    return true;
}

bool num_parse_signed(const char *text, int64_t min, int64_t max, int64_t *value)
{
    bool negative = *text == '-';
    uint64_t size;
    int64_t result;
    if (!whole(text + negative, 10, UINT64_MAX, &size) || !with_sign(negative, size, &result))
        return false;
    if (result < min || result > max)
        return false;
    *value = result;
    return true;
}

bool num_parse_size(const char *text, uint64_t max, uint64_t *bytes)
{
    static const char units[] = "bkmgt";
    uint64_t result;
    if (!digits(&text, 10, &result))
        return false;
    if (*text) {
        const char *unit = strchr(units, str_lower(*text));
        if (!unit)
            return false;
        text++;
        uint64_t power = (uint64_t)(unit - units);
        if (power > 0 && !str_eq_nocase(text, "") && !str_eq_nocase(text, "b") && !str_eq_nocase(text, "ib"))
            return false;
        if ((power == 0 && *text) || !num_mul(result, UINT64_C(1) << (10 * power), &result))
            return false;
    }
    if (result > max)
        return false;
    *bytes = result;
    return true;
}

static const struct duration_unit {
    const char *name;
    uint64_t ns;
} duration_units[] = {
    {"ns", 1},       {"us", 1000},      {"\xc2\xb5s", 1000}, {"\xce\xbcs", 1000},
    {"ms", 1000000}, {"s", 1000000000}, {"m", 60000000000},  {"h", 3600000000000},
};

static const struct duration_unit *duration_unit(const char **at)
{
    size_t len = 0;
    while ((*at)[len] && (*at)[len] != '.' && !str_is_digit((*at)[len]))
        len++;
    for (size_t i = 0; i < ARRAY_LEN(duration_units); i++) {
        const char *name = duration_units[i].name;
        if (strlen(name) == len && memcmp(name, *at, len) == 0) {
            *at += len;
            return &duration_units[i];
        }
    }
    return NULL;
}

/* Digits behind a decimal point; those beyond what 63 bits hold do not count. */
static bool fraction(const char **at, uint64_t *value, double *scale)
{
    const char *start = *at;
    bool counts = true;
    *value = 0;
    *scale = 1;
    for (; str_is_digit(**at); (*at)++) {
        uint64_t digit = (uint64_t)(**at - '0');
        counts = counts && *value <= ((uint64_t)INT64_MAX - digit) / 10;
        if (counts) {
            *value = *value * 10 + digit;
            *scale *= 10;
        }
    }
    return *at != start;
}

/* One number with its unit, such as "1.5h". */
static bool duration_term(const char **at, uint64_t *ns)
{
    uint64_t number = 0;
    uint64_t part = 0;
    double scale = 1;
    bool any = false;
    if (str_is_digit(**at)) {
        if (!digits(at, 10, &number))
            return false;
        any = true;
    }
    if (**at == '.') {
        (*at)++;
        any = fraction(at, &part, &scale) || any;
    }
    const struct duration_unit *unit = any ? duration_unit(at) : NULL;
    if (!unit || !num_mul(number, unit->ns, &number))
        return false;
    return num_add(number, (uint64_t)((double)part * ((double)unit->ns / scale)), ns);
}

bool num_parse_duration(const char *text, int64_t *ns)
{
    bool negative = *text == '-';
    if (negative || *text == '+')
        text++;
    if (!*text)
        return false;
    uint64_t total = 0;
    if (str_eq(text, "0"))
        text++;
    while (*text) {
        uint64_t term;
        if (!duration_term(&text, &term) || !num_add(total, term, &total))
            return false;
    }
    return with_sign(negative, total, ns);
}

const char *num_size_text(uint64_t bytes, char text[NUM_SIZE_TEXT])
{
    static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
    if (bytes < 1000) {
        snprintf(text, NUM_SIZE_TEXT, "%u B", (unsigned)bytes);
        return text;
    }
    uint64_t tenth = 100;
    size_t i = 0;
    uint64_t tenths = 0;
    for (;; i++, tenth *= 1000) {
        tenths = bytes / tenth + (bytes % tenth >= tenth / 2);
        /* 999.96 kB is shown as 1.0 MB, not as 1000.0 kB. */
        if (tenths < 10000 || i + 1 == ARRAY_LEN(units))
            break;
    }
    snprintf(text, NUM_SIZE_TEXT, "%u.%u %s", (unsigned)(tenths / 10), (unsigned)(tenths % 10), units[i]);
    return text;
}
