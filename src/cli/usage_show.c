/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/usage_show.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "cli/table.h"

#include <stdio.h>
#include <string.h>

#define ID_HEX 12 /* of a digest in a table */

struct sum {
    size_t entries;
    uint64_t bytes, reclaimable;
    struct timespec used;
};

static bool is_shown(const struct usage_entry *e, bool chosen)
{
    return chosen ? e->chosen : e->picked;
}

static void add(struct sum *sum, const struct usage_entry *e)
{
    sum->entries++;
    sum->bytes += e->bytes;
    sum->reclaimable += e->in_use ? 0 : e->bytes;
    if (e->used.tv_sec > sum->used.tv_sec)
        sum->used = e->used;
}

static void add_all(struct sum kinds[USAGE_KINDS], struct sum *total, const struct usage *u, bool chosen)
{
    for (size_t i = 0; i < u->count; i++)
        if (is_shown(&u->item[i], chosen)) {
            add(&kinds[u->item[i].kind], &u->item[i]);
            add(total, &u->item[i]);
        }
}

uint64_t usage_show_bytes(const struct usage *u, bool chosen)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < u->count; i++)
        bytes += is_shown(&u->item[i], chosen) ? u->item[i].bytes : 0;
    return bytes;
}

/* "3 hours ago". New string. */
static char *ago(struct timespec used)
{
    static const struct {
        int64_t seconds;
        const char *name;
    } units[] = {{7 * 86400, "week"}, {86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};
    int64_t age = clock_unix() - used.tv_sec;
    if (used.tv_sec == 0)
        return mem_strdup("-");
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (age >= units[i].seconds) {
            int64_t count = age / units[i].seconds;
            return mem_printf("%lld %s%s ago", (long long)count, units[i].name, count == 1 ? "" : "s");
        }
    return mem_strdup("now");
}

/* Of what is named by a digest its beginning is enough to find it again. */
static char *brief(const char *id)
{
    const char *hex = id + strlen(id);
    while (hex > id && strchr("0123456789abcdef", hex[-1]))
        hex--;
    size_t digits = strlen(hex);
    AUTO(mem_free)
    char *text = mem_strndup(id, (size_t)(hex - id) + (digits > ID_HEX ? ID_HEX : digits));
    return str_safe(text);
}

static void print_entries(const struct usage *u, bool chosen)
{
    AUTO_VALUE(table_wipe) struct table table = {0};
    char size[NUM_SIZE_TEXT];
    table_row(
        &table, 7,
        (const char *const[]){"ID", "TYPE", "RECLAIMABLE", "SHARED", "SIZE", "LAST USED", "DESCRIPTION"});
    for (size_t i = 0; i < u->count; i++) {
        const struct usage_entry *e = &u->item[i];
        if (!is_shown(e, chosen))
            continue;
        AUTO(mem_free) char *id = brief(e->id);
        AUTO(mem_free) char *used = ago(e->used);
        table_row(&table, 7,
                  (const char *const[]){id, usage_kind_type(e->kind), e->in_use ? "false" : "true",
                                        e->shared ? "true" : "false", num_size_text(e->bytes, size), used,
                                        e->about ? e->about : "-"});
    }
    table_print(&table, stdout);
}

static void print_kinds(const struct sum kinds[USAGE_KINDS])
{
    AUTO_VALUE(table_wipe) struct table table = {0};
    table_row(&table, 5, (const char *const[]){"KIND", "ENTRIES", "SIZE", "RECLAIMABLE", "LAST USED"});
    for (size_t i = 0; i < USAGE_KINDS; i++) {
        char size[NUM_SIZE_TEXT], reclaimable[NUM_SIZE_TEXT];
        if (!kinds[i].entries)
            continue;
        AUTO(mem_free) char *count = mem_printf("%zu", kinds[i].entries);
        AUTO(mem_free) char *used = ago(kinds[i].used);
        table_row(&table, 5,
                  (const char *const[]){usage_kind_name((enum usage_kind)i), count,
                                        num_size_text(kinds[i].bytes, size),
                                        num_size_text(kinds[i].reclaimable, reclaimable), used});
    }
    table_print(&table, stdout);
}

static void print_sums(const struct sum *total, uint64_t shared)
{
    AUTO_VALUE(table_wipe) struct table table = {0};
    char text[4][NUM_SIZE_TEXT];
    table_row(&table, 2, (const char *const[]){"Shared:", num_size_text(shared, text[0])});
    table_row(&table, 2, (const char *const[]){"Private:", num_size_text(total->bytes - shared, text[1])});
    table_row(&table, 2, (const char *const[]){"Reclaimable:", num_size_text(total->reclaimable, text[2])});
    table_row(&table, 2, (const char *const[]){"Total:", num_size_text(total->bytes, text[3])});
    table_print(&table, stdout);
}

static void put_time(json_t *to, struct timespec used)
{
    char text[32];
    struct tm tm;
    if (used.tv_sec == 0 || !gmtime_r(&used.tv_sec, &tm))
        return;
    if (strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm) > 0)
        json_put(to, "lastUsed", json_new_str(text));
}

static json_t *entry_json(const struct usage_entry *e)
{
    json_t *j = json_object();
    json_put(j, "id", json_new_str(e->id));
    json_put(j, "kind", json_new_str(usage_kind_name(e->kind)));
    json_put(j, "type", json_new_str(usage_kind_type(e->kind)));
    json_put(j, "size", json_integer((json_int_t)e->bytes));
    json_put(j, "reclaimable", json_boolean(!e->in_use));
    json_put(j, "inUse", json_boolean(e->in_use));
    json_put(j, "shared", json_boolean(e->shared));
    json_put(j, "mutable", json_boolean(e->kind == USAGE_MOUNTS));
    put_time(j, e->used);
    if (e->layer)
        json_put(j, "layer", json_new_str(e->layer));
    if (e->about)
        json_put(j, "description", json_new_str(e->about));
    return j;
}

static void put_sum(json_t *to, const struct sum *sum)
{
    json_put(to, "entries", json_integer((json_int_t)sum->entries));
    json_put(to, "size", json_integer((json_int_t)sum->bytes));
    json_put(to, "reclaimable", json_integer((json_int_t)sum->reclaimable));
    put_time(to, sum->used);
}

static void print_json(const struct usage *u, bool chosen, const struct sum kinds[USAGE_KINDS],
                       const struct sum *total)
{
    AUTO(json_decref) json_t *all = json_object();
    json_t *by_kind = json_array(), *entries = json_array(), *sum = json_object();
    for (size_t i = 0; i < USAGE_KINDS; i++) {
        json_t *kind = json_object();
        json_put(kind, "kind", json_new_str(usage_kind_name((enum usage_kind)i)));
        put_sum(kind, &kinds[i]);
        json_push(by_kind, kind);
    }
    for (size_t i = 0; i < u->count; i++)
        if (is_shown(&u->item[i], chosen))
            json_push(entries, entry_json(&u->item[i]));
    put_sum(sum, total);
    json_put(all, "total", sum);
    json_put(all, "kinds", by_kind);
    json_put(all, "entries", entries);
    AUTO(mem_free) char *text = json_text_pretty(all);
    fputs(text, stdout);
}

void usage_show(const struct usage *u, const struct usage_show *how)
{
    struct sum kinds[USAGE_KINDS] = {0}, total = {0};
    uint64_t shared = 0;
    add_all(kinds, &total, u, how->chosen);
    for (size_t i = 0; i < u->count; i++)
        shared += is_shown(&u->item[i], how->chosen) && u->item[i].shared ? u->item[i].bytes : 0;
    if (how->json) {
        print_json(u, how->chosen, kinds, &total);
        return;
    }
    if (how->verbose)
        print_entries(u, how->chosen);
    else
        print_kinds(kinds);
    print_sums(&total, shared);
}
