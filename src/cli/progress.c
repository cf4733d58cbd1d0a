/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/progress.h"

#include "base/clock.h"
#include "base/mem.h"
#include "cli/progress_inner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct err *progress_kind_parse(enum progress_kind *out, const char *text)
{
    static const struct {
        const char *name;
        enum progress_kind kind;
    } kinds[] = {{"auto", PROGRESS_AUTO},
                 {"plain", PROGRESS_PLAIN},
                 {"tty", PROGRESS_TTY},
                 {"json", PROGRESS_JSON},
                 {"quiet", PROGRESS_QUIET}};
    *out = PROGRESS_AUTO;
    if (str_empty(text))
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (str_eq(text, kinds[i].name)) {
            *out = kinds[i].kind;
            return NULL;
        }
    if (str_eq(text, "rawjson"))
        return err_hint(err_new(ERR_UNSUPPORTED, "--progress rawjson is not supported"),
                        "--progress json has a form of its own (doc/progress.md)");
    if (str_eq(text, "none"))
        return err_new(ERR_UNSUPPORTED, "--progress %s is not supported", text);
    AUTO(mem_free) char *safe = str_safe(text);
    return err_new(ERR_USAGE, "--progress: expected auto, plain, tty, json or quiet, found \"%s\"", safe);
}

void progress_write(struct progress *p)
{
    size_t at = 0;
    while (at < p->out.len) {
        ssize_t written = write(p->fd, p->out.data + at, p->out.len - at);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            break; /* nobody reads: the work goes on */
        at += (size_t)written;
    }
    buf_clear(&p->out);
}

void progress_seconds(struct buf *out, uint64_t ms)
{
    buf_printf(out, "%llu.%llus", (unsigned long long)(ms / 1000), (unsigned long long)(ms % 1000 / 100));
}

const char *progress_short(const struct progress_blob *b, char text[DIGEST_SHORT])
{
    return digest_short(&b->digest, text);
}

static void end_item(struct progress *p, struct progress_item *item, const char *text)
{
    item->ended = true;
    item->end_ms = p->clock();
    item->result = mem_strdup(text);
    strlist_wipe(&item->tail);
}

/* Nobody says when a transfer has ended: it has when something else begins and none of its blobs moves. */
static void end_idle_transfers(struct progress *p)
{
    for (size_t i = 0; i < p->item_count; i++) {
        bool busy = !p->item[i].transfer || p->item[i].ended;
        for (size_t k = 0; k < p->blob_count && !busy; k++)
            busy = p->blob[k].item == i;
        if (busy)
            continue;
        end_item(p, &p->item[i], "");
        p->view->ended(p, &p->item[i]);
    }
}

static struct progress_item *add_item(struct progress *p, const char *name, bool transfer)
{
    struct progress_item item = {.transfer = transfer,
                                 .number = (unsigned)p->item_count + 1,
                                 .name = str_safe(name ? name : ""),
                                 .key = mem_strdup(name ? name : ""),
                                 .begin_ms = p->clock()};
    end_idle_transfers(p);
    MEM_PUSH(p->item, p->item_count, p->item_room, item);
    return &p->item[p->item_count - 1];
}

static struct progress_item *find_step(struct progress *p, unsigned id)
{
    for (size_t i = p->item_count; i-- > 0;)
        if (!p->item[i].transfer && !p->item[i].ended && p->item[i].id == id)
            return &p->item[i];
    return NULL;
}

static struct progress_item *find_transfer(struct progress *p, const char *name)
{
    for (size_t i = 0; i < p->item_count; i++)
        if (p->item[i].transfer && !p->item[i].ended && str_eq(p->item[i].key, name ? name : ""))
            return &p->item[i];
    return add_item(p, name, true);
}

/* Blobs of one digest may move to two places at once. */
static struct progress_blob *find_blob(struct progress *p, const struct event *e)
{
    for (size_t i = 0; i < p->blob_count; i++)
        if (digest_equal(&p->blob[i].digest, &e->desc->digest) &&
            (!e->name || str_eq(p->item[p->blob[i].item].key, e->name)))
            return &p->blob[i];
    return NULL;
}

static struct progress_blob *add_blob(struct progress *p, const struct event *e)
{
    struct progress_item *item = find_transfer(p, e->name);
    uint64_t now = p->clock();
    struct progress_blob blob = {.digest = e->desc->digest,
                                 .item = (size_t)(item - p->item),
                                 .begin_ms = now,
                                 .told_ms = now,
                                 .total = e->desc->size};
    MEM_PUSH(p->blob, p->blob_count, p->blob_room, blob);
    return &p->blob[p->blob_count - 1];
}

static void remove_blob(struct progress *p, struct progress_blob *blob)
{
    size_t index = (size_t)(blob - p->blob);
    memmove(blob, blob + 1, (p->blob_count - index - 1) * sizeof *blob);
    p->blob_count--;
}

static void end_blob(struct progress_item *item, struct progress_blob *blob, const char *text)
{
    bool there = str_eq(text, "exists") || str_eq(text, "mounted");
    item->blobs++;
    if (there)
        return;
    item->moved++;
    item->bytes += blob->total;
}

static void on_step(struct progress *p, const struct event *e, const char *text)
{
    struct progress_item *item = find_step(p, e->id);
    if (e->kind == EVENT_STEP) {
        item = add_item(p, e->name, false);
        item->id = e->id;
    }
    if (!item)
        return;
    if (e->kind == EVENT_LINE) {
        strlist_add(&item->tail, text);
        if (item->tail.count > PROGRESS_TAIL)
            strlist_remove(&item->tail, 0);
    } else if (e->kind == EVENT_STEP_END) {
        end_item(p, item, text);
    }
    p->view->event(p, e, item, NULL, text);
}

static void on_blob(struct progress *p, const struct event *e, const char *text)
{
    struct progress_blob *blob = find_blob(p, e);
    if (!blob)
        blob = add_blob(p, e);
    struct progress_item *item = &p->item[blob->item];
    if (e->kind == EVENT_BYTES) {
        blob->done = e->done;
        if (e->total)
            blob->total = e->total;
    } else if (e->kind == EVENT_BLOB_END) {
        end_blob(item, blob, text);
    }
    p->view->event(p, e, item, blob, text);
    if (e->kind == EVENT_BLOB_END)
        remove_blob(p, blob);
}

static void emit(void *ctx, const struct event *e)
{
    struct progress *p = ctx;
    if (!p->view)
        return;
    /* An error shows source lines below its first line; they come again with the whole error at the end. */
    AUTO(mem_free) char *first = e->text ? mem_strndup(e->text, strcspn(e->text, "\n")) : mem_strdup("");
    AUTO(mem_free) char *text = str_safe(first);
    AUTO(lock_release) struct lock *held = lock_hold(p->lock);
    switch (e->kind) {
    case EVENT_STEP:
    case EVENT_STEP_END:
    case EVENT_LINE:
        on_step(p, e, text);
        break;
    case EVENT_WARNING:
    case EVENT_NOTE:
        p->view->event(p, e, NULL, NULL, text);
        break;
    case EVENT_BLOB:
    case EVENT_BYTES:
    case EVENT_BLOB_END:
        on_blob(p, e, text);
        break;
    case EVENT_READY:
        break;
    }
}

static enum progress_kind choose(enum progress_kind kind, int fd)
{
    const char *terminal = getenv("TERM");
    if (kind != PROGRESS_AUTO)
        return kind;
    return isatty(fd) && !str_empty(terminal) && !str_eq(terminal, "dumb") ? PROGRESS_TTY : PROGRESS_PLAIN;
}

struct progress *progress_new(enum progress_kind kind, int fd)
{
    struct progress *p = mem_zero(1, sizeof *p);
    kind = choose(kind, fd);
    p->lock = lock_new();
    p->fd = fd;
    p->clock = clock_ms;
    p->begin_ms = clock_ms();
    p->out = BUF(BUF_NO_LIMIT);
    if (kind == PROGRESS_PLAIN)
        p->view = &progress_plain_view;
    if (kind == PROGRESS_JSON)
        p->view = &progress_json_view;
    if (kind == PROGRESS_TTY) {
        p->view = &progress_tty_view;
        progress_tty_begin(p);
    }
    return p;
}

struct events progress_events(struct progress *p)
{
    return (struct events){.emit = emit, .ctx = p};
}

static void end_all(struct progress *p)
{
    AUTO(lock_release) struct lock *held = lock_hold(p->lock);
    p->stopping = true;
    lock_wake(held);
    for (size_t i = 0; i < p->item_count; i++) {
        struct progress_item *item = &p->item[i];
        if (item->ended)
            continue;
        end_item(p, item, item->transfer ? "" : "CANCELED");
        p->view->ended(p, item);
    }
    if (p->view)
        p->view->end(p);
}

void progress_free(struct progress *p)
{
    if (!p)
        return;
    end_all(p);
    if (p->ticking)
        pthread_join(p->ticker, NULL);
    for (size_t i = 0; i < p->item_count; i++) {
        free(p->item[i].name);
        free(p->item[i].key);
        free(p->item[i].result);
        strlist_wipe(&p->item[i].tail);
    }
    free(p->item);
    free(p->blob);
    free(p->live_width);
    buf_wipe(&p->out);
    lock_free(p->lock);
    free(p);
}
