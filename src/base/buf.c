/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define FIRST_ROOM 64

char *buf_reserve(struct buf *b, size_t len)
{
    if (b->full || b->len > b->max || len > b->max - b->len) {
        b->full = true;
        return NULL;
    }
    size_t need;
    if (__builtin_add_overflow(b->len, len, &need) || __builtin_add_overflow(need, 1, &need))
        mem_exhausted();
    if (need > b->room) {
        size_t more = b->room > SIZE_MAX / 2 ? SIZE_MAX : b->room * 2;
        if (more < FIRST_ROOM)
            more = FIRST_ROOM;
        if (more < need)
            more = need;
        b->data = mem_grow(b->data, more, 1);
        b->room = more;
    }
    b->data[b->len] = '\0';
    b->data[b->len + len] = '\0';
    return b->data + b->len;
}

void buf_add(struct buf *b, const void *data, size_t len)
{
    char *place = buf_reserve(b, len);
    if (!place || !len)
        return;
    memcpy(place, data, len);
    b->len += len;
}

void buf_byte(struct buf *b, char byte)
{
    if (!b->full && b->len + 1 < b->room && b->len < b->max) {
        b->data[b->len++] = byte;
        b->data[b->len] = '\0';
        return;
    }
    buf_add(b, &byte, 1);
}

void buf_str(struct buf *b, const char *text)
{
    buf_add(b, text, strlen(text));
}

void buf_printf(struct buf *b, const char *format, ...)
{
    char small[256];
    va_list args;
    va_list again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(small, sizeof small, format, args);
    va_end(args);
    if (len < 0)
        mem_exhausted();
    if ((size_t)len < sizeof small) {
        buf_add(b, small, (size_t)len);
    } else {
        AUTO(mem_free) char *text = mem_vprintf(format, again);
        buf_add(b, text, (size_t)len);
    }
    va_end(again);
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    b->full = false;
    if (b->data)
        b->data[0] = '\0';
}

/* After buf_reserve the caller moved `len` without a NUL behind it. */
static void terminate(const struct buf *b)
{
    if (b->data[b->len] != '\0')
        b->data[b->len] = '\0';
}

const char *buf_text(const struct buf *b)
{
    if (!b->data)
        return "";
    terminate(b);
    return b->data;
}

char *buf_take(struct buf *b)
{
    if (b->data)
        terminate(b);
    char *text = b->data ? b->data : mem_strdup("");
    *b = BUF(b->max);
    return text;
}

struct err *buf_check(const struct buf *b, const char *what)
{
    return b->full ? err_new(ERR_RESOURCE, "%s is larger than %zu bytes", what, b->max) : NULL;
}

void buf_wipe(struct buf *b)
{
    mem_free(b->data);
    *b = BUF(b->max);
}
