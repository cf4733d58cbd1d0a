/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_IMAGE_EVENT_H
#define LADE_IMAGE_EVENT_H

#include "base/attr.h"
#include "image/desc.h"

#include <stdint.h>

/*
 * What long work tells whoever watches it: one callback for builds, copies and pushes. It may be called from
 * any thread; the receiver locks. Pointers are borrowed for the call.
 */
enum event_kind {
    EVENT_STEP,     /* `name`: a build step begins: "[2/5] COPY . /app" (`id` numbers it) */
    EVENT_STEP_END, /* it ended; `text` is "CACHED", "" or the error */
    EVENT_LINE,     /* a line of output of step `id` */
    EVENT_WARNING,  /* `text` */
    EVENT_NOTE,     /* `text`: something the user will want to know */
    EVENT_BLOB,     /* `desc` begins to move: `name` says where to ("push localhost:5000/app") */
    EVENT_BYTES,    /* `done` of `total` bytes of `desc` moved */
    EVENT_BLOB_END, /* `text`: "uploaded", "downloaded", "copied", "exists", "mounted" */
    EVENT_READY,    /* `desc` is a blob of the image, finished, and may be uploaded */
};
struct event {
    enum event_kind kind;
    unsigned id;
    const char *name;
    const char *text;
    const struct desc *desc;
    uint64_t done, total;
};
struct events {
    void (*emit)(void *ctx, const struct event *e);
    void *ctx;
};

/* Nothing happens when `to` or its callback is NULL. */
void event_emit(const struct events *to, const struct event *e);
void event_warn(const struct events *to, const char *format, ...) PRINTF(2, 3);
void event_note(const struct events *to, const char *format, ...) PRINTF(2, 3);

#endif
