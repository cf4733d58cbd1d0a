/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

static atomic_bool enabled;
static atomic_uint warned;

void log_enable(bool debug)
{
    atomic_store_explicit(&enabled, debug, memory_order_relaxed);
}

bool log_enabled(void)
{
    return atomic_load_explicit(&enabled, memory_order_relaxed);
}

void log_debug(const char *format, ...)
{
    if (!log_enabled())
        return;
    int before = errno;
    va_list args;
    va_start(args, format);
    AUTO(mem_free) char *text = mem_vprintf(format, args);
    va_end(args);
    AUTO(mem_free) char *line = mem_printf("debug: %s\n", text);
    ssize_t written = write(STDERR_FILENO, line, strlen(line));
    (void)written;
    errno = before;
}

void log_warn_once(enum log_warning said, const char *text)
{
    if (atomic_fetch_or(&warned, 1u << said) & 1u << said)
        return;
    AUTO(mem_free) char *line = mem_printf("warning: %s\n", text);
    ssize_t written = write(STDERR_FILENO, line, strlen(line));
    (void)written;
}
