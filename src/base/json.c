/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "base/mem.h"

#include <assert.h>
#include <string.h>

#define DEPTH_MAX 64

static const char *type_name(const json_t *j)
{
    switch (json_typeof(j)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
        return "a number";
    case JSON_REAL:
        return "a number with a fraction or an exponent";
    case JSON_TRUE:
    case JSON_FALSE:
        return "a boolean";
    case JSON_NULL:
    default:
        return "null";
    }
}

static bool too_deep(json_t *j, unsigned depth)
{
    const char *key;
    json_t *child;
    size_t i;
    if (!json_is_object(j) && !json_is_array(j))
        return false;
    if (depth == DEPTH_MAX)
        return true;
    json_object_foreach (j, key, child) {
        if (too_deep(child, depth + 1))
            return true;
    }
    json_array_foreach (j, i, child) {
        if (too_deep(child, depth + 1))
            return true;
    }
    return false;
}

/* *mistake (a new string) says what is wrong. */
static bool load(json_t **out, const char *data, size_t len, json_error_t *error, char **mistake)
{
    AUTO(json_decref) json_t *j = json_loadb(len ? data : "", len, JSON_REJECT_DUPLICATES, error);
    if (!j) {
        if (json_error_code(error) == json_error_out_of_memory)
            mem_exhausted();
        /* The library speaks of a flag of its own there. */
        bool nul = json_error_code(error) == json_error_null_character ||
                   json_error_code(error) == json_error_null_byte_in_key;
        *mistake = nul ? mem_strdup("a NUL character in a string") : str_safe(error->text);
        return false;
    }
    *out = TAKE(j);
    return true;
}

struct err *json_parse(json_t **out, const char *data, size_t len, const char *what)
{
    json_error_t error;
    AUTO(mem_free) char *mistake = NULL;
    AUTO(json_decref) json_t *j = NULL;
    if (!load(&j, data, len, &error, &mistake))
        return err_new(ERR_INPUT, "%s: line %d, column %d: %s", what, error.line, error.column, mistake);
    if (too_deep(j, 0))
        return err_new(ERR_INPUT, "%s: nested deeper than %d levels", what, DEPTH_MAX);
    *out = TAKE(j);
    return NULL;
}

struct err *json_parse_at(json_t **out, const char *data, size_t len, size_t *at)
{
    json_error_t error;
    AUTO(mem_free) char *mistake = NULL;
    AUTO(json_decref) json_t *j = NULL;
    *at = 0;
    if (!load(&j, data, len, &error, &mistake)) {
        *at = error.position > 0 ? (size_t)error.position : 0;
        return err_new(ERR_INPUT, "%s", mistake);
    }
    if (too_deep(j, 0))
        return err_new(ERR_INPUT, "nested deeper than %d levels", DEPTH_MAX);
    *out = TAKE(j);
    return NULL;
}

static char *dump(const json_t *j, size_t flags)
{
    /* Values made by this file or by the parser are valid UTF-8 and finite, so only memory can be short. */
    char *text = json_dumps(j, flags | JSON_ENCODE_ANY);
    if (!text)
        mem_exhausted();
    return text;
}

char *json_text(const json_t *j)
{
    return dump(j, JSON_COMPACT);
}

char *json_text_pretty(const json_t *j)
{
    AUTO(mem_free) char *text = dump(j, JSON_INDENT(2));
    return mem_printf("%s\n", text);
}

/* The value, or NULL when it is absent or null. */
static struct err *member(const json_t *object, const char *key, const char *what, json_t **out)
{
    if (object && !json_is_object(object))
        return err_new(ERR_INPUT, "%s: expected an object, found %s", what, type_name(object));
    json_t *value = json_object_get(object, key);
    *out = json_is_null(value) ? NULL : value;
    return NULL;
}

static struct err *wrong_type(const char *what, const char *key, const char *expected, const json_t *found)
{
    return err_new(ERR_INPUT, "%s: key %s: expected %s, found %s", what, key, expected, type_name(found));
}

struct err *json_get_str(const json_t *object, const char *key, const char *what, const char **out)
{
    json_t *value = NULL;
    TRY(member(object, key, what, &value));
    if (value && !json_is_string(value))
        return wrong_type(what, key, "a string", value);
    *out = json_string_value(value);
    return NULL;
}

struct err *json_get_bool(const json_t *object, const char *key, const char *what, bool *out)
{
    json_t *value = NULL;
    TRY(member(object, key, what, &value));
    if (value && !json_is_boolean(value))
        return wrong_type(what, key, "a boolean", value);
    *out = json_is_true(value);
    return NULL;
}

struct err *json_get_u64(const json_t *object, const char *key, const char *what, bool *found, uint64_t *out)
{
    bool there = false;
    int64_t value = 0;
    TRY(json_get_i64(object, key, what, &there, &value));
    if (value < 0)
        return err_new(ERR_INPUT, "%s: key %s: expected a number that is not negative, found %lld", what, key,
                       (long long)value);
    if (found)
        *found = there;
    *out = (uint64_t)value;
    return NULL;
}

struct err *json_get_i64(const json_t *object, const char *key, const char *what, bool *found, int64_t *out)
{
    json_t *value = NULL;
    TRY(member(object, key, what, &value));
    if (value && !json_is_integer(value))
        return wrong_type(what, key, "a whole number", value);
    if (found)
        *found = value != NULL;
    *out = json_integer_value(value);
    return NULL;
}

struct err *json_get_object(const json_t *object, const char *key, const char *what, const json_t **out)
{
    json_t *value = NULL;
    TRY(member(object, key, what, &value));
    if (value && !json_is_object(value))
        return wrong_type(what, key, "an object", value);
    *out = value;
    return NULL;
}

struct err *json_get_array(const json_t *object, const char *key, const char *what, const json_t **out)
{
    json_t *value = NULL;
    TRY(member(object, key, what, &value));
    if (value && !json_is_array(value))
        return wrong_type(what, key, "an array", value);
    *out = value;
    return NULL;
}

struct err *json_get_strlist(const json_t *object, const char *key, const char *what, struct strlist *out)
{
    const json_t *array = NULL;
    const json_t *value;
    size_t i;
    TRY(json_get_array(object, key, what, &array));
    json_array_foreach (array, i, value) {
        if (!json_is_string(value))
            return err_new(ERR_INPUT, "%s: key %s: item %zu: expected a string, found %s", what, key, i,
                           type_name(value));
    }
    strlist_wipe(out);
    json_array_foreach (array, i, value) {
        strlist_add(out, json_string_value(value));
    }
    return NULL;
}

struct err *json_get_strmap(const json_t *object, const char *key, const char *what, struct strmap *out)
{
    json_t *map = NULL;
    json_t *value = NULL;
    const char *name;
    TRY(member(object, key, what, &map));
    if (map && !json_is_object(map))
        return wrong_type(what, key, "an object", map);
    json_object_foreach (map, name, value) {
        if (json_is_string(value))
            continue;
        AUTO(mem_free) char *safe = str_safe(name);
        return err_new(ERR_INPUT, "%s: key %s: key %s: expected a string, found %s", what, key, safe,
                       type_name(value));
    }
    strmap_wipe(out);
    json_object_foreach (map, name, value) {
        strmap_add(out, name, json_string_value(value));
    }
    return NULL;
}

/* A new string in which each byte that is not UTF-8 is U+FFFD. */
static char *as_utf8(const char *text)
{
    struct buf out = BUF(BUF_NO_LIMIT);
    size_t len = strlen(text);
    uint32_t code;
    for (size_t at = 0; at < len;) {
        size_t step = str_utf8_next(text + at, len - at, &code);
        if (step)
            buf_add(&out, text + at, step);
        else
            buf_str(&out, "\xef\xbf\xbd");
        at += step ? step : 1;
    }
    return buf_take(&out);
}

json_t *json_new_str(const char *text)
{
    AUTO(mem_free) char *valid = as_utf8(text);
    json_t *j = json_string_nocheck(valid);
    if (!j)
        mem_exhausted();
    return j;
}

json_t *json_new_strlist(const struct strlist *list)
{
    json_t *array = json_array();
    for (size_t i = 0; i < list->count; i++)
        json_push(array, json_new_str(list->item[i]));
    return array;
}

json_t *json_new_strmap(const struct strmap *map)
{
    json_t *object = json_object();
    for (size_t i = 0; i < map->count; i++)
        json_put(object, map->key[i], json_new_str(map->value[i]));
    return object;
}

void json_put(json_t *object, const char *key, json_t *value_take)
{
    assert(json_is_object(object) && value_take && value_take != object);
    AUTO(mem_free) char *valid = as_utf8(key);
    if (json_object_set_new_nocheck(object, valid, value_take) != 0)
        mem_exhausted();
}

void json_push(json_t *array, json_t *value_take)
{
    assert(json_is_array(array) && value_take && value_take != array);
    if (json_array_append_new(array, value_take) != 0)
        mem_exhausted();
}
