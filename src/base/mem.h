/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BASE_MEM_H
#define LADE_BASE_MEM_H

#include "base/attr.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

/*
 * Allocation that cannot fail: when memory runs out the process prints one line and exits with 10. Sizes that
 * come from outside are checked against a named limit before they get here. Everything is freed with free().
 */

void *mem_alloc(size_t size);                           /* not cleared */
void *mem_zero(size_t count, size_t size);              /* cleared, overflow checked */
void *mem_grow(void *place, size_t count, size_t size); /* realloc to count * size, overflow checked */
void *mem_dup(const void *data, size_t size);
char *mem_strdup(const char *text); /* NULL in, NULL out */
char *mem_strndup(const char *text, size_t length);
/* A new string, printed. */
char *mem_printf(const char *format, ...) PRINTF(1, 2);
char *mem_vprintf(const char *format, va_list args) PRINTF(1, 0);

/* An array that grows by doubling: make room for one more element of `array` (pointer `*array`, `*count`
 * used, capacity kept in *room). MEM_PUSH(list, count, room, value). */
void *mem_room(void *array, size_t count, size_t *room, size_t size);
#define MEM_PUSH(array, count, room, ...)                               \
    do {                                                                \
        (array) = mem_room((array), (count), &(room), sizeof *(array)); \
        (array)[(count)++] = (__VA_ARGS__);                             \
    } while (0)

/* What the functions above do when memory runs out; also for libraries that report it by NULL. */
_Noreturn void mem_exhausted(void);

/* Overwrite with zeros in a way that the compiler keeps. */
void mem_wipe(void *place, size_t size);

static inline void mem_free(void *place)
{
    free(place);
}
static inline void mem_free_auto(void *place)
{
    free(*(void **)place);
}

#endif
