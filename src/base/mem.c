/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define EXIT_RESOURCE 10
#define FIRST_ROOM 8

void mem_exhausted(void)
{
    static const char line[] = "lade: out of memory\n";
    ssize_t written = write(STDERR_FILENO, line, sizeof line - 1);
    (void)written;
    /* Not exit: other threads are running, and handlers may need memory. */
    _exit(EXIT_RESOURCE);
}

void *mem_alloc(size_t size)
{
    void *place = malloc(size ? size : 1);
    if (!place)
        mem_exhausted();
    return place;
}

void *mem_zero(size_t count, size_t size)
{
    void *place = count && size ? calloc(count, size) : calloc(1, 1);
    if (!place)
        mem_exhausted();
    return place;
}

void *mem_grow(void *place, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        mem_exhausted();
    void *grown = realloc(place, bytes ? bytes : 1);
    if (!grown)
        mem_exhausted();
    return grown;
}

void *mem_dup(const void *data, size_t size)
{
    void *copy = mem_alloc(size);
    if (size)
        memcpy(copy, data, size);
    return copy;
}

char *mem_strdup(const char *text)
{
    return text ? mem_dup(text, strlen(text) + 1) : NULL;
}

char *mem_strndup(const char *text, size_t length)
{
    if (!text)
        return NULL;
    size_t len = strnlen(text, length);
    char *copy = mem_alloc(len + 1);
    memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

char *mem_printf(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = mem_vprintf(format, args);
    va_end(args);
    return text;
}

char *mem_vprintf(const char *format, va_list args)
{
    char *text = NULL;
    if (vasprintf(&text, format, args) < 0)
        mem_exhausted();
    return text;
}

void *mem_room(void *array, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return array;
    if (*room > SIZE_MAX / 2)
        mem_exhausted();
    size_t more = *room ? *room * 2 : FIRST_ROOM;
    void *grown = mem_grow(array, more, size);
    *room = more;
    return grown;
}

void mem_wipe(void *place, size_t size)
{
    if (size)
        explicit_bzero(place, size);
}
