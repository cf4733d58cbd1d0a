/* SPDX-License-Identifier: Apache-2.0 */
#include "image/config.h"

#include "base/mem.h"
#include "base/str.h"

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

/* "Z", or "+hh:mm": how many seconds local time is ahead. */
static bool parse_zone(const char *text, int64_t *ahead)
{
    if ((*text == 'Z' || *text == 'z') && text[1] == '\0') {
        *ahead = 0;
        return true;
    }
    if ((*text != '+' && *text != '-') || strlen(text) != strlen("+hh:mm") || text[3] != ':')
        return false;
    for (size_t i = 1; i < strlen("+hh:mm"); i++)
        if (i != 3 && !str_is_digit(text[i]))
            return false;
    int64_t minutes = ((text[1] - '0') * 10 + text[2] - '0') * 60 + (text[4] - '0') * 10 + text[5] - '0';
    *ahead = (*text == '-' ? -60 : 60) * minutes;
    return true;
}

bool config_time_parse(const char *text, int64_t *seconds)
{
    struct tm when = {0};
    int64_t ahead = 0;
    static const char form[] = "0000-00-00T00:00:00";
    for (size_t i = 0; i < strlen(form); i++) {
        bool good = form[i] == '0'   ? str_is_digit(text[i])
                    : form[i] == 'T' ? text[i] == 'T' || text[i] == 't' || text[i] == ' '
                                     : text[i] == form[i];
        if (!good)
            return false;
    }
    when.tm_year =
        (text[0] - '0') * 1000 + (text[1] - '0') * 100 + (text[2] - '0') * 10 + text[3] - '0' - 1900;
    when.tm_mon = (text[5] - '0') * 10 + text[6] - '0' - 1;
    when.tm_mday = (text[8] - '0') * 10 + text[9] - '0';
    when.tm_hour = (text[11] - '0') * 10 + text[12] - '0';
    when.tm_min = (text[14] - '0') * 10 + text[15] - '0';
    when.tm_sec = (text[17] - '0') * 10 + text[18] - '0';
    if (when.tm_mon < 0 || when.tm_mon > 11 || when.tm_mday < 1 || when.tm_mday > 31 || when.tm_hour > 23 ||
        when.tm_min > 59 || when.tm_sec > 60)
        return false;
    text += strlen(form);
    if (*text == '.') {
        if (!str_is_digit(text[1]))
            return false;
        for (text++; str_is_digit(*text); text++)
            ;
    }
    if (!parse_zone(text, &ahead))
        return false;
    *seconds = (int64_t)timegm(&when) - ahead;
    return true;
}
