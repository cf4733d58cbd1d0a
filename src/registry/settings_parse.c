/* SPDX-License-Identifier: Apache-2.0 */
#include "base/diag.h"
#include "base/json.h"
#include "base/mem.h"
#include "registry/reading.h"
#include "registry/settings.h"

#include <string.h>

#define COUNT_MAX 64
#define TRIES_MAX 100

/* {"location": …, "pull": …} */
static void take_mirror_object(struct reading *r, json_t *value, struct settings_mirror *out)
{
    static const char *const known[] = {"location", "pull"};
    const char *key;
    json_t *member;
    bool located = false;
    json_object_foreach (value, key, member) {
        reading_enter(r, key);
        if (str_eq(key, "location")) {
            reading_place(r, member, &out->place);
            located = true;
        } else if (str_eq(key, "pull")) {
            out->digest_only = str_eq(json_string_value(member), "digest-only");
            if (!out->digest_only && !str_eq(json_string_value(member), "all"))
                reading_wrong(r, "\"all\" or \"digest-only\"", NULL);
        } else {
            reading_unknown(r, key, known, ARRAY_LEN(known));
        }
        reading_leave(r);
    }
    if (!located)
        reading_wrong(r, "an object with \"location\"", "a mirror without a place");
}

static void take_mirrors(struct reading *r, json_t *value, struct settings_entry *e)
{
    size_t i;
    json_t *item;
    if (!json_is_array(value))
        reading_wrong(r, "an array of mirrors", NULL);
    json_array_foreach (value, i, item) {
        struct settings_mirror mirror = {0};
        AUTO(mem_free) char *number = mem_printf("%zu", i);
        reading_enter(r, number);
        if (json_is_object(item))
            take_mirror_object(r, item, &mirror);
        else
            reading_place(r, item, &mirror.place);
        reading_leave(r);
        MEM_PUSH(e->mirror, e->mirror_count, e->mirror_room, mirror);
    }
}

enum kind { BLOCKED, LOCATION, MIRRORS, FLAG, COUNT, TRIES, RATE, SIZE, TIME, PATH };

#define OF_HOST(member) offsetof(struct settings_entry, host.member)

/* In the order of the manual. What has an offset is said of hosts, not of parts of them. */
static const struct {
    const char *key;
    enum kind kind;
    size_t offset;
} keys[] = {
    {"location", LOCATION, 0},
    {"mirrors", MIRRORS, 0},
    {"blocked", BLOCKED, 0},
    {"plain-http", FLAG, OF_HOST(plain_http)},
    {"insecure-skip-verify", FLAG, OF_HOST(insecure_skip_verify)},
    {"ca", PATH, OF_HOST(ca)},
    {"cert", PATH, OF_HOST(cert)},
    {"key", PATH, OF_HOST(key)},
    {"cert-dir", PATH, OF_HOST(cert_dir)},
    {"concurrent-reads", COUNT, OF_HOST(reads)},
    {"concurrent-writes", COUNT, OF_HOST(writes)},
    {"requests-per-second", RATE, OF_HOST(rate)},
    {"chunk-size", SIZE, OF_HOST(chunk_size)},
    {"tries", TRIES, OF_HOST(tries)},
    {"retry-budget", TIME, OF_HOST(budget_ms)},
};

static void take_value(struct reading *r, json_t *value, enum kind kind, struct settings_entry *e, void *to)
{
    switch (kind) {
    case BLOCKED:
        reading_flag(r, value, &e->blocked);
        break;
    case LOCATION:
        reading_place(r, value, &e->location);
        break;
    case MIRRORS:
        take_mirrors(r, value, e);
        break;
    case FLAG:
        reading_flag(r, value, to);
        break;
    case COUNT:
        reading_count(r, value, COUNT_MAX, to);
        break;
    case TRIES:
        reading_count(r, value, TRIES_MAX, to);
        break;
    case RATE:
        reading_rate(r, value, to);
        break;
    case SIZE:
        reading_size(r, value, to);
        break;
    case TIME:
        reading_time(r, value, to);
        break;
    case PATH:
        reading_file(r, value, to);
        break;
    }
}

static void take_member(struct reading *r, const char *key, json_t *value, struct settings_entry *e)
{
    const char *known[ARRAY_LEN(keys)];
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        known[i] = keys[i].key;
        if (!str_eq(keys[i].key, key))
            continue;
        if (keys[i].offset && e->prefix.path && *e->prefix.path) {
            AUTO(mem_free) char *hint = mem_printf("put it into the entry \"%s\"", e->prefix.host);
            AUTO(mem_free) char *message = mem_printf("\"%s\" is said of a host as a whole", key);
            reading_wrong_name(r, NULL, hint, message);
            return;
        }
        take_value(r, value, keys[i].kind, e, (char *)e + keys[i].offset);
        return;
    }
    reading_unknown(r, key, known, ARRAY_LEN(known));
}

static bool take_prefix(struct reading *r, const char *key, struct settings_entry *e)
{
    const char *hint = NULL;
    bool below = str_starts(key, "*.");
    if (reading_parse_place(below ? key + 2 : key, &e->prefix, &hint)) {
        if (below) {
            char *host = mem_printf(".%s", e->prefix.host);
            mem_free(e->prefix.host);
            e->prefix.host = host;
        }
        return true;
    }
    AUTO(mem_free) char *message = mem_printf("\"%s\" names no registry", key);
    reading_wrong_name(r, "\"host\", \"host:port\", \"host/repository\" or \"*.example.com\"", hint, message);
    return false;
}

static void check_location(struct reading *r, const struct settings_entry *e)
{
    const struct settings_place *to = &e->location, *from = &e->prefix;
    size_t len = strlen(from->path);
    bool below = to->host && str_eq(to->host, from->host) &&
                 (len == 0 || (str_starts(to->path, from->path) && strchr("/", to->path[len])));
    reading_enter(r, "location");
    if (below)
        reading_wrong(r, NULL, "the location is below its own prefix");
    reading_leave(r);
}

static void check_entry(struct reading *r, const struct settings_entry *e)
{
    if (!e->host.cert != !e->host.key)
        reading_wrong_name(r, NULL, NULL, "\"cert\" and \"key\" need each other");
    if (e->blocked && (e->location.host || e->mirror_count))
        reading_wrong_name(r, NULL, NULL, "\"blocked\" leaves no place for \"location\" or \"mirrors\"");
    check_location(r, e);
    for (size_t i = 0; i < r->out->count; i++) {
        const struct settings_place *other = &r->out->entry[i].prefix;
        if (e->prefix.host && other->host && str_eq(other->host, e->prefix.host) &&
            str_eq(other->path, e->prefix.path)) {
            AUTO(mem_free)
            char *message = mem_printf("\"%s\" is the same registry as \"%s\" in line %u", e->shown,
                                       r->out->entry[i].shown, r->out->entry[i].line);
            reading_wrong_name(r, NULL, NULL, message);
        }
    }
}

static void take_entry(struct reading *r, const char *key, json_t *value)
{
    struct settings_entry e = {.shown = str_safe(key)};
    const char *name;
    json_t *member;
    bool named = take_prefix(r, key, &e);
    e.line = reading_line(r);
    if (!json_is_object(value))
        reading_wrong(r, "an object", NULL);
    json_object_foreach (value, name, member) {
        reading_enter(r, name);
        take_member(r, name, member, &e);
        reading_leave(r);
    }
    if (named)
        check_entry(r, &e);
    MEM_PUSH(r->out->entry, r->out->count, r->out->room, e);
}

static void take_root(struct reading *r, json_t *root)
{
    static const char *const known[] = {"registries"};
    const char *key, *prefix;
    json_t *value, *entry;
    if (!json_is_object(root))
        reading_wrong(r, "an object with \"registries\"", NULL);
    json_object_foreach (root, key, value) {
        reading_enter(r, key);
        if (!str_eq(key, "registries"))
            reading_unknown(r, key, known, ARRAY_LEN(known));
        else if (!json_is_object(value))
            reading_wrong(r, "an object with an entry for each registry", NULL);
        else
            json_object_foreach (value, prefix, entry) {
                reading_enter(r, prefix);
                take_entry(r, prefix, entry);
                reading_leave(r);
            }
        reading_leave(r);
    }
}

/* Where `at` bytes have been read. */
static struct span place_of(const char *text, size_t at)
{
    struct span place = {.line = 1, .column = 1};
    size_t last = at > 0 ? at - 1 : 0;
    for (size_t i = 0; i < last && text[i]; i++) {
        place.column = text[i] == '\n' ? 1 : place.column + 1;
        place.line += text[i] == '\n';
    }
    place.end_line = place.line;
    place.end_column = place.column + 1;
    return place;
}

static char *dir_of(const char *file)
{
    const char *slash = strrchr(file, '/');
    return slash ? mem_strndup(file, (size_t)(slash - file) + 1) : mem_strdup(".");
}

struct err *settings_parse(struct settings *out, const char *text, size_t len, const char *file)
{
    AUTO(json_decref) json_t *root = NULL;
    AUTO_VALUE(settings_wipe) struct settings made = {.file = mem_strdup(file)};
    AUTO_VALUE(reading_wipe) struct reading r = {.text = text, .dir = dir_of(file), .out = &made};
    size_t at;
    diag_init(&r.diag, file, text, len);
    struct err *bad = json_parse_at(&root, text, len, &at);
    if (bad)
        diag_mistake_err(&r.diag, place_of(text, at), bad);
    else
        take_root(&r, root);
    TRY(diag_error(&r.diag));
    settings_wipe(out);
    *out = made;
    made = (struct settings){0};
    return NULL;
}
