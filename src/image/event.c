/* SPDX-License-Identifier: Apache-2.0 */
#include "image/event.h"

#include "base/mem.h"

#include <stdarg.h>

void event_emit(const struct events *to, const struct event *e)
{
    if (to && to->emit)
        to->emit(to->ctx, e);
}

PRINTF(3, 0)
static void emit_text(const struct events *to, enum event_kind kind, const char *format, va_list args)
{
    if (!to || !to->emit)
        return;
    AUTO(mem_free) char *text = mem_vprintf(format, args);
    event_emit(to, &(struct event){.kind = kind, .text = text});
}

void event_warn(const struct events *to, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    emit_text(to, EVENT_WARNING, format, args);
    va_end(args);
}

void event_note(const struct events *to, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    emit_text(to, EVENT_NOTE, format, args);
    va_end(args);
}
