/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "base/mem.h"
#include "cli/progress_inner.h"

#include <stdlib.h>

/* For programs: an object on each line, described in doc/progress.md. What stands there never changes its
 * meaning. Text is as it came: JSON escapes what terminals must not see. */

/* Bytes of a blob are told not more often than this. */
#define TELL_MS 100

static json_t *object_new(const struct progress *p, const char *event)
{
    json_t *o = json_object();
    if (!o)
        mem_exhausted();
    json_put(o, "event", json_new_str(event));
    json_put(o, "ms", json_integer((json_int_t)(p->clock() - p->begin_ms)));
    return o;
}

static void line(struct progress *p, json_t *object_take)
{
    AUTO(json_decref) json_t *o = object_take;
    AUTO(mem_free) char *text = json_text(o);
    buf_str(&p->out, text);
    buf_byte(&p->out, '\n');
    progress_write(p);
}

static void put_number(json_t *o, const char *key, uint64_t value)
{
    json_put(o, key, json_integer((json_int_t)value));
}

static void text_line(struct progress *p, const char *event, const char *text)
{
    json_t *o = object_new(p, event);
    json_put(o, "text", json_new_str(text ? text : ""));
    line(p, o);
}

static void step_event(struct progress *p, const struct event *e, const struct progress_item *item)
{
    const char *text = e->text ? e->text : "";
    const char *name = e->kind == EVENT_STEP ? "step" : e->kind == EVENT_LINE ? "line" : "step-end";
    json_t *o = object_new(p, name);
    put_number(o, "step", item->number);
    if (e->kind == EVENT_STEP) {
        json_put(o, "name", json_new_str(e->name ? e->name : ""));
    } else if (e->kind == EVENT_LINE) {
        json_put(o, "text", json_new_str(text));
    } else {
        bool cached = str_eq(text, "CACHED"), canceled = str_eq(text, "CANCELED");
        const char *result = cached ? "cached" : canceled ? "canceled" : *text ? "error" : "done";
        json_put(o, "result", json_new_str(result));
        if (str_eq(result, "error"))
            json_put(o, "error", json_new_str(text));
    }
    line(p, o);
}

static void blob_event(struct progress *p, const struct event *e, const struct progress_item *item,
                       struct progress_blob *blob)
{
    char digest[DIGEST_TEXT];
    uint64_t now = p->clock();
    bool bytes = e->kind == EVENT_BYTES;
    if (bytes && now - blob->told_ms < TELL_MS && blob->done < blob->total)
        return;
    blob->told_ms = now;
    json_t *o = object_new(p, bytes ? "bytes" : e->kind == EVENT_BLOB ? "blob" : "blob-end");
    json_put(o, "transfer", json_new_str(item->key));
    json_put(o, "digest", json_new_str(digest_text(&blob->digest, digest)));
    put_number(o, "size", blob->total);
    if (bytes)
        put_number(o, "done", blob->done);
    if (e->kind == EVENT_BLOB_END)
        json_put(o, "result", json_new_str(e->text ? e->text : ""));
    line(p, o);
}

static void json_event(struct progress *p, const struct event *e, struct progress_item *item,
                       struct progress_blob *blob, const char *text)
{
    (void)text;
    if (e->kind == EVENT_WARNING)
        text_line(p, "warning", e->text);
    else if (e->kind == EVENT_NOTE)
        text_line(p, "note", e->text);
    else if (item && blob)
        blob_event(p, e, item, blob);
    else if (item)
        step_event(p, e, item);
}

static void json_ended(struct progress *p, struct progress_item *item)
{
    json_t *o = object_new(p, item->transfer ? "transfer-end" : "step-end");
    if (item->transfer) {
        json_put(o, "transfer", json_new_str(item->key));
        put_number(o, "blobs", item->blobs);
        put_number(o, "moved", item->moved);
        put_number(o, "bytes", item->bytes);
    } else {
        put_number(o, "step", item->number);
        json_put(o, "result", json_new_str("canceled"));
    }
    line(p, o);
}

static void json_end(struct progress *p)
{
    progress_write(p);
}

const struct progress_view progress_json_view = {.event = json_event, .ended = json_ended, .end = json_end};

char *progress_json_note(const char *text)
{
    AUTO(json_decref) json_t *o = json_object();
    if (!o)
        mem_exhausted();
    json_put(o, "event", json_new_str("note"));
    json_put(o, "text", json_new_str(text));
    return json_text(o);
}

char *progress_json_end(const struct err *e)
{
    AUTO(json_decref) json_t *o = json_object();
    if (!o)
        mem_exhausted();
    json_put(o, "event", json_new_str("end"));
    json_put(o, "exit", json_integer(err_exit_code(e)));
    if (e)
        json_put(o, "error", json_new_str(err_message(e)));
    if (e && err_hint_of(e))
        json_put(o, "hint", json_new_str(err_hint_of(e)));
    return json_text(o);
}
