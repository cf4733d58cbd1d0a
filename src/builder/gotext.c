/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/gotext.h"

#include <inttypes.h>

/* strconv.Quote for ASCII and UTF-8 text; control characters as Go escapes them. */
static void quote(struct buf *out, const char *text)
{
    static const char short_escapes[] = "abtnvfr"; /* 0x07 … 0x0d */
    buf_byte(out, '"');
    for (const char *p = text; *p; p++) {
        unsigned char c = (unsigned char)*p;
        if (c == '"' || c == '\\')
            buf_printf(out, "\\%c", c);
        else if (c >= 0x07 && c <= 0x0d)
            buf_printf(out, "\\%c", short_escapes[c - 0x07]);
        else if (c < 0x20 || c == 0x7f)
            buf_printf(out, "\\x%02x", c);
        else
            buf_byte(out, *p);
    }
    buf_byte(out, '"');
}

void gotext_quoted_list(struct buf *out, const struct strlist *list)
{
    buf_byte(out, '[');
    for (size_t i = 0; i < list->count; i++) {
        if (i > 0)
            buf_byte(out, ' ');
        quote(out, list->item[i]);
    }
    buf_byte(out, ']');
}

void gotext_list(struct buf *out, const struct strlist *list)
{
    buf_byte(out, '[');
    for (size_t i = 0; i < list->count; i++) {
        if (i > 0)
            buf_byte(out, ' ');
        buf_str(out, list->item[i]);
    }
    buf_byte(out, ']');
}

/* value / unit with the fraction's trailing zeros left out. */
static void decimal(struct buf *out, uint64_t value, uint64_t unit, const char *name)
{
    buf_printf(out, "%" PRIu64, value / unit);
    uint64_t rest = value % unit;
    if (rest > 0) {
        buf_byte(out, '.');
        while (rest > 0) {
            rest *= 10;
            buf_byte(out, (char)('0' + rest / unit));
            rest %= unit;
        }
    }
    buf_str(out, name);
}

void gotext_duration(struct buf *out, int64_t ns)
{
    const uint64_t us = 1000, ms = 1000 * us, s = 1000 * ms;
    uint64_t value = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
    if (ns < 0)
        buf_byte(out, '-');
    if (value == 0) {
        buf_str(out, "0s");
    } else if (value < us) {
        decimal(out, value, 1, "ns");
    } else if (value < ms) {
        decimal(out, value, us, "\xc2\xb5s");
    } else if (value < s) {
        decimal(out, value, ms, "ms");
    } else {
        uint64_t minutes = value / (60 * s);
        if (minutes >= 60)
            buf_printf(out, "%" PRIu64 "h", minutes / 60);
        if (minutes > 0)
            buf_printf(out, "%" PRIu64 "m", minutes % 60);
        decimal(out, value % (60 * s), s, "s");
    }
}
