/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/run_output.h"

#include "base/mem.h"

#include <string.h>

#define TAB_WIDTH 8
#define CLIPPED "[output clipped, log limit 2MiB reached]"

void run_output_begin(struct run_output *o, const struct events *events, unsigned id)
{
    *o = (struct run_output){.events = events, .id = id, .line = BUF(BUF_NO_LIMIT)};
}

static void emit(const struct run_output *o, const char *text)
{
    event_emit(o->events, &(struct event){.kind = EVENT_LINE, .id = o->id, .text = text});
}

/* Tabs become blanks: a terminal that shows something before the line would break their columns. */
static char *without_tabs(const struct buf *line)
{
    struct buf out = BUF(BUF_NO_LIMIT);
    for (size_t i = 0; i < line->len; i++) {
        if (line->data[i] != '\t') {
            buf_byte(&out, line->data[i]);
            continue;
        }
        do
            buf_byte(&out, ' ');
        while (out.len % TAB_WIDTH != 0);
    }
    return out.len > 0 ? buf_take(&out) : mem_strdup("");
}

static void flush(struct run_output *o)
{
    AUTO(mem_free) char *text = without_tabs(&o->line);
    strlist_add(&o->tail, text);
    if (o->tail.count > RUN_OUTPUT_TAIL)
        strlist_remove(&o->tail, 0);
    o->shown += o->line.len + 1;
    if (o->shown <= RUN_OUTPUT_MAX)
        emit(o, text);
    else if (!o->clipped)
        emit(o, CLIPPED);
    o->clipped = o->shown > RUN_OUTPUT_MAX;
    buf_clear(&o->line);
}

void run_output_add(void *ctx, const char *data, size_t len)
{
    struct run_output *o = ctx;
    for (size_t at = 0; at < len;) {
        size_t n = 0;
        while (at + n < len && data[at + n] != '\n' && data[at + n] != '\r' &&
               o->line.len + n < RUN_OUTPUT_LINE_MAX)
            n++;
        buf_add(&o->line, data + at, n);
        o->returned = o->returned && n == 0;
        at += n;
        if (at == len)
            return;
        if (data[at] != '\n' && data[at] != '\r') {
            flush(o); /* too long */
            continue;
        }
        if (!(data[at] == '\n' && o->returned))
            flush(o);
        o->returned = data[at] == '\r';
        at++;
    }
}

void run_output_end(struct run_output *o)
{
    if (o->line.len > 0)
        flush(o);
}

void run_output_wipe(struct run_output *o)
{
    buf_wipe(&o->line);
    strlist_wipe(&o->tail);
}
