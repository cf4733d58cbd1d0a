/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BASE_JSON_H
#define LADE_BASE_JSON_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * JSON by jansson, with sizes bounded by the caller, duplicate keys refused, depth at most 64, and getters
 * that name the place of a mistake. Foreign documents are read through here but never written again: their
 * bytes are kept. Values are reference counted by jansson: AUTO(json_decref) json_t *j.
 */

static inline void json_decref_auto(json_t **j)
{
    json_decref(*j);
}

/* Parse. `what` names the document in ERR_INPUT, with line and column. */
MUST_USE struct err *json_parse(json_t **out, const char *data, size_t len, const char *what);
/* The same for who shows the place: a mistake is told without it, and *at is how many bytes had been read. */
MUST_USE struct err *json_parse_at(json_t **out, const char *data, size_t len, size_t *at);

/* Compact, keys in insertion order, non-ASCII as UTF-8, "/" not escaped; HTML characters as they are. New
 * string. */
char *json_text(const json_t *j);
char *json_text_pretty(const json_t *j); /* two spaces, newline at the end */

/* Typed getters. Absent (or null) gives NULL, false or 0 and no error, and so does an `object` that is NULL;
 * a wrong type is ERR_INPUT "`what`: key `key`: expected a string, found a number". Pointers are borrowed
 * from `object`; `found` may be NULL; a list or map is cleared first. */
MUST_USE struct err *json_get_str(const json_t *object, const char *key, const char *what, const char **out);
MUST_USE struct err *json_get_bool(const json_t *object, const char *key, const char *what, bool *out);
MUST_USE struct err *json_get_u64(const json_t *object, const char *key, const char *what, bool *found,
                                  uint64_t *out);
MUST_USE struct err *json_get_i64(const json_t *object, const char *key, const char *what, bool *found,
                                  int64_t *out);
MUST_USE struct err *json_get_object(const json_t *object, const char *key, const char *what,
                                     const json_t **out);
MUST_USE struct err *json_get_array(const json_t *object, const char *key, const char *what,
                                    const json_t **out);
/* An array of strings; absent: empty list. */
MUST_USE struct err *json_get_strlist(const json_t *object, const char *key, const char *what,
                                      struct strlist *out);
/* An object of strings; absent: empty map. */
MUST_USE struct err *json_get_strmap(const json_t *object, const char *key, const char *what,
                                     struct strmap *out);

/* Builders for values of our own. The text must be UTF-8: json_new_str replaces what is not by U+FFFD. */
json_t *json_new_str(const char *text);
json_t *json_new_strlist(const struct strlist *list);
json_t *json_new_strmap(const struct strmap *map);
/* object[key] = value, taking over value; asserts success. */
void json_put(json_t *object, const char *key, json_t *value_take);
void json_push(json_t *array, json_t *value_take);

#endif
