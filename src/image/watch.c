/* SPDX-License-Identifier: Apache-2.0 */
#include "image/watch.h"

#include "base/mem.h"

/* Progress is told not more often than this. */
#define TELL_BYTES (256 << 10)

struct watched {
    struct source source;
    struct source *inner;
    const struct desc *desc;
    const struct events *events;
    const atomic_bool *stopping, *cancel;
    uint64_t done, told;
};

static struct err *watched_peek(struct source *s, const uint8_t **data, size_t *len)
{
    struct watched *w = (struct watched *)s;
    if (atomic_load(w->stopping))
        return err_new(ERR_STOPPED, "stopped, because another blob failed");
    if (w->cancel && atomic_load(w->cancel))
        return err_new(ERR_STOPPED, "stopped, because nobody waits for it");
    return source_peek(w->inner, data, len);
}

static void tell(struct watched *w)
{
    w->told = w->done;
    event_emit(w->events, &(struct event){
                              .kind = EVENT_BYTES, .desc = w->desc, .done = w->done, .total = w->desc->size});
}

static void watched_advance(struct source *s, size_t len)
{
    struct watched *w = (struct watched *)s;
    source_advance(w->inner, len);
    w->done += len;
    if (w->done - w->told >= TELL_BYTES || w->done == w->desc->size)
        tell(w);
}

static struct err *watched_reopen(struct source *s, uint64_t offset)
{
    struct watched *w = (struct watched *)s;
    TRY(source_reopen(w->inner, offset));
    w->done = offset;
    tell(w);
    return NULL;
}

static void watched_free(struct source *s)
{
    struct watched *w = (struct watched *)s;
    source_free(w->inner);
    free(w);
}

struct source *watch_source(struct source *inner_take, const struct desc *d, const struct events *events,
                            const atomic_bool *stopping, const atomic_bool *cancel)
{
    static const struct source_ops once = {
        .peek = watched_peek, .advance = watched_advance, .free = watched_free};
    static const struct source_ops again = {
        .peek = watched_peek, .advance = watched_advance, .reopen = watched_reopen, .free = watched_free};
    struct watched *w = mem_zero(1, sizeof *w);
    w->source.ops = source_can_reopen(inner_take) ? &again : &once;
    w->inner = inner_take;
    w->desc = d;
    w->events = events;
    w->stopping = stopping;
    w->cancel = cancel;
    return &w->source;
}
