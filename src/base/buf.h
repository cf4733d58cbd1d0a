/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BASE_BUF_H
#define LADE_BASE_BUF_H

#include "base/attr.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A growing byte buffer with a maximum. Appending beyond the maximum sets `full` and every later append does
 * nothing; the caller checks once, with buf_check. The data is always followed by a NUL that `len` does not
 * count.
 *
 *     AUTO_VALUE(buf_wipe) struct buf b = BUF(1 << 20);
 */
struct buf {
    char *data; /* never NULL after the first append; use buf_text for a string that is never NULL */
    size_t len;
    size_t room;
    size_t max;
    bool full;
};

#define BUF(maximum) ((struct buf){.max = (maximum)})
#define BUF_NO_LIMIT SIZE_MAX

void buf_add(struct buf *b, const void *data, size_t len);
void buf_byte(struct buf *b, char byte);
void buf_str(struct buf *b, const char *text);
void buf_printf(struct buf *b, const char *format, ...) PRINTF(2, 3);
/* Room for `len` more bytes to be written by the caller, who then adds to `len` (buf_text and buf_take
 * put the NUL); NULL when that is over the maximum. */
char *buf_reserve(struct buf *b, size_t len);
void buf_clear(struct buf *b);             /* length 0, memory kept */
const char *buf_text(const struct buf *b); /* "" when empty */
/* The string, moved out; the buffer is empty after. Yours to free. */
char *buf_take(struct buf *b);
/* ERR_RESOURCE "`what` is larger than N bytes" when something did not fit. */
MUST_USE struct err *buf_check(const struct buf *b, const char *what);
void buf_wipe(struct buf *b);

#endif
