/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BASE_STR_H
#define LADE_BASE_STR_H

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Strings: comparisons that say what they mean, owned lists, and text made safe to show. */

bool str_eq(const char *a, const char *b);        /* NULL equals NULL only */
bool str_eq_nocase(const char *a, const char *b); /* ASCII */
bool str_starts(const char *text, const char *prefix);
bool str_ends(const char *text, const char *suffix);
bool str_empty(const char *text); /* NULL or "" */
/* ASCII only, whatever the locale. */
bool str_is_space(char c);
bool str_is_digit(char c);
bool str_is_alnum(char c);
char str_lower(char c);
/* A new string without leading and trailing ASCII white space. */
char *str_trim(const char *text);

/* The bytes of the first code point, which goes to *code; 0 when `len` is 0 or it is not UTF-8. */
size_t str_utf8_next(const char *text, size_t len, uint32_t *code);
bool str_utf8_valid(const char *text, size_t len);

/* A new string fit for a terminal or a message: control characters, DEL, bidirectional overrides and bytes
 * that are not UTF-8 as \xNN or \u{NNNN}, cut at `max` bytes, with "…" behind. */
char *str_escape(const char *text, size_t len, size_t max);
/* The same for the usual case: NUL-terminated, at most 1 KiB. */
char *str_safe(const char *text);

/* An owned list of strings. A zeroed struct is empty. */
struct strlist {
    char **item;
    size_t count;
    size_t room;
};
void strlist_add(struct strlist *list, const char *text);          /* copies */
void strlist_add_take(struct strlist *list, char *text);           /* takes over */
void strlist_copy(struct strlist *to, const struct strlist *from); /* `to` is cleared first */
bool strlist_has(const struct strlist *list, const char *text);
void strlist_sort(struct strlist *list); /* by bytes */
char *strlist_join(const struct strlist *list, const char *between);
/* Split at each `separator`; the list is cleared first, and stays empty for "". */
void strlist_split(struct strlist *list, const char *text, char separator);
/* Drop the item at `index`, moving the later ones up. */
void strlist_remove(struct strlist *list, size_t index);
void strlist_wipe(struct strlist *list);

/* An owned map from string to string that keeps the order of insertion. Small (linear search). */
struct strmap {
    char **key;
    char **value;
    size_t count;
    size_t room;
};
void strmap_set(struct strmap *map, const char *key, const char *value);
/* The same for a key that is known to be new, without a search: foreign maps may be large. */
void strmap_add(struct strmap *map, const char *key, const char *value);
const char *strmap_get(const struct strmap *map, const char *key); /* NULL when absent; borrowed */
void strmap_remove(struct strmap *map, const char *key);
void strmap_copy(struct strmap *to, const struct strmap *from);
void strmap_sort(struct strmap *map); /* by key, by bytes */
void strmap_wipe(struct strmap *map);

#endif
