/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/creds_trace.h"
#include "base/buf.h"
#include "base/mem.h"

#include <stdarg.h>

static void add(struct creds_trace *trace, bool looked, const char *source, const char *format, va_list args)
{
    AUTO(mem_free) char *result = mem_vprintf(format, args);
    struct creds_trace_step step = {.source = str_safe(source), .result = str_safe(result), .looked = looked};
    MEM_PUSH(trace->step, trace->count, trace->room, step);
}

void creds_trace_add(struct creds_trace *trace, const char *source, const char *format, ...)
{
    va_list args;
    if (!trace)
        return;
    va_start(args, format);
    add(trace, true, source, format, args);
    va_end(args);
}

void creds_trace_skip(struct creds_trace *trace, const char *source, const char *format, ...)
{
    va_list args;
    if (!trace)
        return;
    va_start(args, format);
    add(trace, false, source, format, args);
    va_end(args);
}

char *creds_trace_sources(const struct creds_trace *trace)
{
    AUTO_VALUE(strlist_wipe) struct strlist names = {0};
    struct buf text = BUF(BUF_NO_LIMIT);
    for (size_t i = 0; i < trace->count; i++)
        if (trace->step[i].looked && !strlist_has(&names, trace->step[i].source))
            strlist_add(&names, trace->step[i].source);
    for (size_t i = 0; i < names.count; i++)
        buf_printf(&text, "%s%s", i == 0 ? "" : i + 1 < names.count ? ", " : " and ", names.item[i]);
    return buf_take(&text);
}

void creds_trace_wipe(struct creds_trace *trace)
{
    for (size_t i = 0; i < trace->count; i++) {
        mem_free(trace->step[i].source);
        mem_free(trace->step[i].result);
    }
    mem_free(trace->step);
    *trace = (struct creds_trace){0};
}
