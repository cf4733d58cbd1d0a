/* SPDX-License-Identifier: Apache-2.0 */
#include "image/config.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* The years 1 to 9999, which RFC 3339 can write and Go can read. */
#define TIME_MIN INT64_C(-62135596800)
#define TIME_MAX INT64_C(253402300799)

static bool is_entry(const char *entry, const char *key)
{
    size_t len = strlen(key);
    return strncmp(entry, key, len) == 0 && (entry[len] == '=' || entry[len] == '\0');
}

const char *config_env_get(const struct config *c, const char *key)
{
    for (size_t i = 0; i < c->env.count; i++) {
        const char *entry = c->env.item[i];
        if (is_entry(entry, key))
            return entry[strlen(key)] ? entry + strlen(key) + 1 : "";
    }
    return NULL;
}

void config_env_set(struct config *c, const char *key, const char *value)
{
    char *entry = mem_printf("%s=%s", key, value);
    for (size_t i = 0; i < c->env.count; i++) {
        if (is_entry(c->env.item[i], key)) {
            free(c->env.item[i]);
            c->env.item[i] = entry;
            return;
        }
    }
    strlist_add_take(&c->env, entry);
}

void config_add_diff_id(struct config *c, const struct digest *d)
{
    MEM_PUSH(c->diff_ids, c->diff_id_count, c->diff_id_room, *d);
}

static void put_text(json_t *object, const char *key, const char *text)
{
    if (!str_empty(text))
        json_put(object, key, json_new_str(text));
}

void config_add_history(struct config *c, const char *created, const char *created_by, const char *comment,
                        const char *author, bool empty_layer)
{
    json_t *entry = json_object();
    put_text(entry, "created", created);
    put_text(entry, "created_by", created_by);
    put_text(entry, "author", author);
    put_text(entry, "comment", comment);
    if (empty_layer)
        json_put(entry, "empty_layer", json_true());
    if (!c->history)
        c->history = json_array();
    json_push(c->history, entry);
}

char *config_time_text(int64_t seconds, uint32_t ns)
{
    struct tm tm;
    char fraction[16] = "";
    time_t when = seconds < TIME_MIN ? TIME_MIN : seconds > TIME_MAX ? TIME_MAX : seconds;
    gmtime_r(&when, &tm);
    if (ns % 1000000000 != 0) {
        snprintf(fraction, sizeof fraction, ".%09u", (unsigned)(ns % 1000000000));
        for (size_t len = strlen(fraction); fraction[len - 1] == '0'; len--)
            fraction[len - 1] = '\0';
    }
    return mem_printf("%04d-%02d-%02dT%02d:%02d:%02d%sZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
                      tm.tm_hour, tm.tm_min, tm.tm_sec, fraction);
}
