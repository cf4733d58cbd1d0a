/* SPDX-License-Identifier: Apache-2.0 */
#include "base/suggest.h"
#include "base/mem.h"
#include "base/str.h"

#include <string.h>

#define FAR 3
#define NAME_MAX_LEN 128 /* longer ones are not compared */

static char fold(char c, bool match_case)
{
    return match_case ? c : str_lower(c);
}

/* Levenshtein's distance. */
static unsigned distance(const char *a, const char *b, bool match_case)
{
    size_t width = strlen(b);
    size_t height = strlen(a);
    if (width > NAME_MAX_LEN || height > NAME_MAX_LEN)
        return FAR;
    unsigned row[NAME_MAX_LEN + 1];
    for (size_t j = 0; j <= width; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; i <= height; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= width; j++) {
            unsigned least = diagonal + (fold(a[i - 1], match_case) != fold(b[j - 1], match_case));
            if (row[j] + 1 < least)
                least = row[j] + 1;
            if (row[j - 1] + 1 < least)
                least = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = least;
        }
    }
    return row[width];
}

const char *suggest_find(const char *written, const char *const *names, size_t count, bool match_case)
{
    const char *best = NULL;
    unsigned least = FAR;
    for (size_t i = 0; i < count; i++) {
        unsigned d = distance(written, names[i], match_case);
        if (d == 0)
            return NULL;
        if (d < least) {
            least = d;
            best = names[i];
        }
    }
    return best;
}

char *suggest_hint(const char *written, const char *const *names, size_t count, bool match_case)
{
    const char *found = suggest_find(written, names, count, match_case);
    return found ? mem_printf("did you mean %s?", found) : NULL;
}
