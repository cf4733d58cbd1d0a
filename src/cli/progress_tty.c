/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/num.h"
#include "cli/progress_inner.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <wchar.h>

/*
 * What has ended is written once and stays in the terminal's history; what goes on stands below it and is
 * replaced ten times a second. The number of rows to go back is computed from the widths of the lines that
 * are on the screen and the terminal's width now, because a terminal that was made narrower has wrapped them.
 */

#define TICK_MS 100
#define WIDTH_DEFAULT 80
#define ROWS_DEFAULT 24
#define WIDTH_MIN 20

#define BLUE "\033[34m"
#define RED "\033[31m"
#define YELLOW "\033[33m"
#define PLAIN "\033[0m"

struct screen {
    size_t width, rows;
};

static struct screen measure(int fd)
{
    struct winsize size;
    struct screen s = {WIDTH_DEFAULT, ROWS_DEFAULT};
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col && size.ws_row)
        s = (struct screen){size.ws_col, size.ws_row};
    if (s.width < WIDTH_MIN)
        s.width = WIDTH_MIN;
    return s;
}

/* Append as much of `text`, which is UTF-8, as fits into `columns`; returns the columns that it takes. */
static size_t add_cut(struct buf *out, const char *text, size_t columns)
{
    size_t used = 0, len = strlen(text);
    for (size_t at = 0; at < len;) {
        uint32_t code = 0;
        size_t bytes = str_utf8_next(text + at, len - at, &code);
        if (bytes == 0)
            break;
        int width = wcwidth((wchar_t)code);
        size_t wide = width < 0 ? 1 : (size_t)width;
        size_t keep = at + bytes < len ? 1 : 0; /* for the sign that something is missing */
        if (used + wide + keep > columns) {
            buf_str(out, "…");
            return used + 1;
        }
        buf_add(out, text + at, bytes);
        used += wide;
        at += bytes;
    }
    return used;
}

/* "left            right" in one row less one column, so that no terminal wraps it; *width is what it takes.
 */
static void add_row(struct progress *p, struct screen s, const char *colour, const char *left,
                    const char *right, size_t *width)
{
    size_t right_width = strlen(right);
    size_t room = s.width - 1 > right_width + 1 ? s.width - 1 - right_width - 1 : 1;
    if (p->colour && colour)
        buf_str(&p->out, colour);
    size_t used = add_cut(&p->out, left, room);
    if (right_width) {
        buf_printf(&p->out, "%*s%s", (int)(room - used + 1), "", right);
        used = s.width - 1;
    }
    if (p->colour && colour)
        buf_str(&p->out, PLAIN);
    buf_byte(&p->out, '\n');
    if (width)
        *width = used;
}

static void add_live(struct progress *p, struct screen s, const char *left, const char *right)
{
    size_t width = 0;
    add_row(p, s, NULL, left, right, &width);
    MEM_PUSH(p->live_width, p->live_count, p->live_room, width);
}

static void erase_live(struct progress *p, struct screen s)
{
    size_t rows = 0;
    for (size_t i = 0; i < p->live_count; i++)
        rows += p->live_width[i] ? (p->live_width[i] + s.width - 1) / s.width : 1;
    if (rows)
        buf_printf(&p->out, "\033[%zuA\r\033[J", rows);
    p->live_count = 0;
}

static char *time_text(uint64_t ms)
{
    AUTO_VALUE(buf_wipe) struct buf text = BUF(BUF_NO_LIMIT);
    progress_seconds(&text, ms);
    return buf_take(&text);
}

/* A row of what has ended. */
static void add_ended(struct progress *p, struct screen s, struct progress_item *item)
{
    AUTO(mem_free) char *left = NULL;
    AUTO(mem_free) char *right = time_text(item->end_ms - item->begin_ms);
    const char *colour = BLUE;
    char bytes[NUM_SIZE_TEXT];
    item->shown = true;
    if (item->transfer) {
        left = mem_printf("=> %s: %zu blob%s, %zu moved (%s)", item->name, item->blobs,
                          item->blobs == 1 ? "" : "s", item->moved, num_size_text(item->bytes, bytes));
    } else if (str_eq(item->result, "CACHED") || str_eq(item->result, "CANCELED")) {
        left = mem_printf("=> %s %s", item->result, item->name);
    } else if (str_empty(item->result)) {
        left = mem_printf("=> %s", item->name);
    } else {
        left = mem_printf("=> ERROR %s", item->name);
        colour = RED;
    }
    add_row(p, s, colour, left, right, NULL);
}

static void add_blobs(struct progress *p, struct screen s, size_t item, uint64_t now)
{
    char digest[DIGEST_SHORT], done[NUM_SIZE_TEXT], total[NUM_SIZE_TEXT];
    for (size_t i = 0; i < p->blob_count && p->live_count + 2 < s.rows; i++) {
        const struct progress_blob *b = &p->blob[i];
        if (b->item != item)
            continue;
        AUTO(mem_free)
        char *left = mem_printf("=> => %s %s / %s", progress_short(b, digest), num_size_text(b->done, done),
                                num_size_text(b->total, total));
        AUTO(mem_free) char *right = time_text(now - b->begin_ms);
        add_live(p, s, left, right);
    }
}

static void add_lines(struct progress *p, struct screen s, const struct progress_item *item)
{
    for (size_t i = 0; i < item->tail.count && p->live_count + 2 < s.rows; i++) {
        AUTO(mem_free) char *left = mem_printf("=> => # %s", item->tail.item[i]);
        add_live(p, s, left, "");
    }
}

static void add_all_ended(struct progress *p, struct screen s)
{
    for (size_t i = 0; i < p->item_count; i++)
        if (p->item[i].ended && !p->item[i].shown)
            add_ended(p, s, &p->item[i]);
}

static void draw(struct progress *p)
{
    struct screen s = measure(p->fd);
    uint64_t now = p->clock();
    erase_live(p, s);
    add_all_ended(p, s);
    for (size_t i = 0; i < p->item_count && p->live_count + 2 < s.rows; i++) {
        const struct progress_item *item = &p->item[i];
        if (item->ended)
            continue;
        AUTO(mem_free) char *left = mem_printf("=> %s", item->name);
        AUTO(mem_free) char *right = time_text(now - item->begin_ms);
        add_live(p, s, left, right);
        add_blobs(p, s, i, now);
        add_lines(p, s, item);
    }
    progress_write(p);
}

static void tty_event(struct progress *p, const struct event *e, struct progress_item *item,
                      struct progress_blob *blob, const char *text)
{
    (void)item;
    (void)blob;
    if (e->kind != EVENT_WARNING && e->kind != EVENT_NOTE)
        return; /* the next tick shows it */
    struct screen s = measure(p->fd);
    erase_live(p, s);
    add_all_ended(p, s);
    bool warning = e->kind == EVENT_WARNING;
    if (p->colour && warning)
        buf_str(&p->out, YELLOW);
    buf_printf(&p->out, "lade: %s%s", warning ? "warning: " : "", text);
    if (p->colour && warning)
        buf_str(&p->out, PLAIN);
    buf_byte(&p->out, '\n');
    draw(p);
}

static void tty_ended(struct progress *p, struct progress_item *item)
{
    (void)p; /* the next tick shows it */
    (void)item;
}

static void tty_end(struct progress *p)
{
    draw(p);
}

static void *tick(void *arg)
{
    struct progress *p = arg;
    AUTO(lock_release) struct lock *held = lock_hold(p->lock);
    while (!p->stopping) {
        draw(p);
        lock_wait(held, TICK_MS);
    }
    return NULL;
}

void progress_tty_begin(struct progress *p)
{
    const char *no_colour = getenv("NO_COLOR");
    p->colour = str_empty(no_colour);
    p->ticking = pthread_create(&p->ticker, NULL, tick, p) == 0;
}

const struct progress_view progress_tty_view = {.event = tty_event, .ended = tty_ended, .end = tty_end};
