/* SPDX-License-Identifier: Apache-2.0 */
#include "base/num.h"
#include "cli/progress_inner.h"

/* A blob that takes long is told of this often. */
#define TELL_MS 5000

static void seconds(struct progress *p, uint64_t since_ms)
{
    buf_byte(&p->out, ' ');
    progress_seconds(&p->out, p->clock() - since_ms);
    buf_byte(&p->out, '\n');
}

static void step_end(struct progress *p, const struct progress_item *item, const char *text)
{
    buf_printf(&p->out, "#%u ", item->number);
    if (str_eq(text, "CACHED")) {
        buf_str(&p->out, "CACHED\n\n");
        return;
    }
    if (str_empty(text))
        buf_str(&p->out, "DONE");
    else
        buf_printf(&p->out, "ERROR: %s", text);
    seconds(p, item->begin_ms);
    buf_byte(&p->out, '\n');
}

static void line(struct progress *p, const struct progress_item *item, const char *text)
{
    uint64_t ms = p->clock() - item->begin_ms;
    buf_printf(&p->out, "#%u %llu.%03llu %s\n", item->number, (unsigned long long)(ms / 1000),
               (unsigned long long)(ms % 1000), text);
}

/* The name of a transfer stands before its first blob. */
static void transfer_begin(struct progress *p, struct progress_item *item)
{
    if (item->shown)
        return;
    item->shown = true;
    buf_printf(&p->out, "#%u %s\n", item->number, item->name);
}

static void blob_bytes(struct progress *p, struct progress_item *item, struct progress_blob *blob)
{
    char digest[DIGEST_SHORT], done[NUM_SIZE_TEXT], total[NUM_SIZE_TEXT];
    uint64_t now = p->clock();
    if (now - blob->told_ms < TELL_MS)
        return;
    blob->told_ms = now;
    buf_printf(&p->out, "#%u %s %s / %s", item->number, progress_short(blob, digest),
               num_size_text(blob->done, done), num_size_text(blob->total, total));
    seconds(p, blob->begin_ms);
}

static void blob_end(struct progress *p, struct progress_item *item, struct progress_blob *blob,
                     const char *text)
{
    char digest[DIGEST_SHORT], total[NUM_SIZE_TEXT];
    buf_printf(&p->out, "#%u %s %s %s", item->number, progress_short(blob, digest),
               num_size_text(blob->total, total), text);
    seconds(p, blob->begin_ms);
}

static void plain_event(struct progress *p, const struct event *e, struct progress_item *item,
                        struct progress_blob *blob, const char *text)
{
    if (blob)
        transfer_begin(p, item);
    if (blob && e->kind == EVENT_BYTES)
        blob_bytes(p, item, blob);
    if (blob && e->kind == EVENT_BLOB_END)
        blob_end(p, item, blob, text);
    if (e->kind == EVENT_STEP)
        buf_printf(&p->out, "#%u %s\n", item->number, item->name);
    if (e->kind == EVENT_STEP_END)
        step_end(p, item, text);
    if (e->kind == EVENT_LINE)
        line(p, item, text);
    if (e->kind == EVENT_WARNING)
        buf_printf(&p->out, "lade: warning: %s\n", text);
    if (e->kind == EVENT_NOTE)
        buf_printf(&p->out, "lade: %s\n", text);
    progress_write(p);
}

static void plain_ended(struct progress *p, struct progress_item *item)
{
    buf_printf(&p->out, "#%u %s ", item->number, item->transfer ? "DONE" : item->result);
    progress_seconds(&p->out, item->end_ms - item->begin_ms);
    buf_str(&p->out, "\n\n");
    progress_write(p);
}

static void plain_end(struct progress *p)
{
    progress_write(p);
}

const struct progress_view progress_plain_view = {
    .event = plain_event, .ended = plain_ended, .end = plain_end};
