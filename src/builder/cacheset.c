/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/cacheset.h"

#include "base/codec.h"
#include "base/json.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "image/config.h"
#include "image/manifest.h"
#include "image/mediatype.h"
#include "layers/indexpack.h"

#include <stdlib.h>
#include <string.h>

#define MAGIC "lade cache 1\n"
#define SOURCES_MAX 64
#define RECORDS_MAX 10000 /* of a source */
#define LENGTH_DIGITS_MAX 9

struct entry {
    struct digest key;
    struct step_record record;
    const struct cache_source *from;
};
struct about {
    struct digest diff_id;
    struct desc desc;
    const struct cache_source *from;
};
struct cacheset {
    const struct cache_source *source;
    size_t source_count;
    struct lock *lock; /* of the next one; once it is set, nothing changes any more */
    bool read;
    const struct events *events;
    struct entry *entry; /* sorted by key, those of earlier sources first */
    size_t count, room;
    struct about *about;
    size_t about_count, about_room;
};

void cacheset_free(struct cacheset *c)
{
    for (size_t i = 0; c && i < c->count; i++)
        steprecord_wipe(&c->entry[i].record);
    for (size_t i = 0; c && i < c->about_count; i++)
        desc_wipe(&c->about[i].desc);
    if (c) {
        free(c->entry);
        free(c->about);
        lock_free(c->lock);
    }
    free(c);
}

struct err *cacheset_encode(const struct step_record *records, size_t count, struct buf *out)
{
    buf_str(out, MAGIC);
    for (size_t i = 0; i < count; i++) {
        AUTO_VALUE(buf_wipe) struct buf one = BUF(STEPRECORD_MAX);
        TRY(steprecord_encode(&records[i], &one));
        buf_printf(out, "%zu\n", one.len);
        buf_add(out, one.data, one.len);
    }
    return buf_check(out, "the records of the cache");
}

/* The length of the next record; false: there is none, or no sense in it. */
static bool next_length(const char **at, const char *end, size_t *len)
{
    char text[LENGTH_DIGITS_MAX + 1] = "";
    uint64_t value = 0;
    const char *line = memchr(*at, '\n', (size_t)(end - *at));
    size_t digits = line ? (size_t)(line - *at) : 0;
    if (digits == 0 || digits > LENGTH_DIGITS_MAX)
        return false;
    memcpy(text, *at, digits);
    *at = line + 1;
    if (!num_parse(text, (uint64_t)(end - *at), &value))
        return false;
    *len = (size_t)value;
    return true;
}

static struct err *add_records(struct cacheset *c, const struct cache_source *from, const char *data,
                               size_t len)
{
    const char *at = data + sizeof MAGIC - 1, *end = data + len;
    size_t before = c->count;
    if (len < sizeof MAGIC - 1 || memcmp(data, MAGIC, sizeof MAGIC - 1) != 0)
        return err_new(ERR_INPUT, "its records are of another version, or none");
    while (at < end) {
        struct entry entry = {.from = from};
        size_t size = 0;
        if (!next_length(&at, end, &size))
            return err_new(ERR_INPUT, "its records are damaged");
        if (c->count - before == RECORDS_MAX)
            return err_new(ERR_RESOURCE, "it has more than %d records", RECORDS_MAX);
        TRY(steprecord_decode(&entry.record, NULL, at, size));
        MEM_PUSH(c->entry, c->count, c->room, entry);
        TRY(steprecord_key(&c->entry[c->count - 1].record, &c->entry[c->count - 1].key));
        at += size;
    }
    return NULL;
}

static void add_abouts(struct cacheset *c, const struct cache_source *from, const struct manifest *m)
{
    for (size_t i = 0; i < m->layers.count; i++) {
        const struct desc *d = &m->layers.item[i];
        const char *text = strmap_get(&d->annotations, CACHESET_DIFF_ID);
        struct about made = {.from = from};
        if (!text || (!str_eq(d->media_type, CACHESET_INDEX) && !str_eq(d->media_type, CACHESET_LISTING)))
            continue;
        struct err *e = digest_parse(&made.diff_id, text);
        if (!e) {
            desc_copy(&made.desc, d);
            MEM_PUSH(c->about, c->about_count, c->about_room, made);
        }
        err_free(e);
    }
}

/* In the config of an image, as any tool passes it on. */
static struct err *add_inline(struct cacheset *c, const struct cache_source *from, const struct manifest *m)
{
    AUTO_VALUE(buf_wipe) struct buf config = BUF(CONFIG_SIZE_MAX);
    AUTO_VALUE(buf_wipe) struct buf records = BUF(CACHESET_RECORDS_MAX);
    AUTO(json_decref) json_t *object = NULL;
    const char *text = NULL;
    TRY(store_read(from->store, &m->config, &config));
    TRY(json_parse(&object, buf_text(&config), config.len, "its config"));
    TRY(json_get_str(object, CACHESET_INLINE, "its config", &text));
    if (!text)
        return err_new(ERR_NOT_FOUND, "it is an image without a cache in it");
    if (!codec_unbase64(text, strlen(text), &records))
        return err_new(ERR_INPUT, "its config: key %s: expected base64", CACHESET_INLINE);
    return add_records(c, from, buf_text(&records), records.len);
}

static struct err *read_source(struct cacheset *c, const struct cache_source *from)
{
    AUTO_VALUE(desc_wipe) struct desc root = {0};
    AUTO_VALUE(buf_wipe) struct buf bytes = BUF(MANIFEST_SIZE_MAX);
    AUTO_VALUE(buf_wipe) struct buf records = BUF(CACHESET_RECORDS_MAX);
    AUTO_VALUE(manifest_wipe) struct manifest m = {0};
    bool found = false;
    TRY(store_resolve(from->store, from->tag, &root, &found));
    if (!found)
        return err_new(ERR_NOT_FOUND, "there is nothing yet");
    TRY(store_read(from->store, &root, &bytes));
    TRY(manifest_parse(&m, buf_text(&bytes), bytes.len, root.media_type, "its manifest"));
    if (!m.config.media_type)
        return err_new(ERR_UNSUPPORTED, "it is an index of images, and no cache");
    if (!str_eq(m.config.media_type, CACHESET_RECORDS))
        return add_inline(c, from, &m);
    TRY(store_read(from->store, &m.config, &records));
    TRY(add_records(c, from, buf_text(&records), records.len));
    add_abouts(c, from, &m);
    return NULL;
}

static int by_key(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    int order = memcmp(x->key.bytes, y->key.bytes, sizeof x->key.bytes);
    return order ? order : (x->from > y->from) - (x->from < y->from);
}

struct cacheset *cacheset_new(const struct cache_source *sources, size_t count, const struct events *events)
{
    struct cacheset *c = mem_zero(1, sizeof *c);
    c->source = sources;
    c->source_count = count;
    c->events = events;
    c->lock = lock_new();
    return c;
}

static struct err *read_all(struct cacheset *c)
{
    if (c->source_count > SOURCES_MAX)
        event_warn(c->events, "of %zu caches only the first %d are used", c->source_count, SOURCES_MAX);
    for (size_t i = 0; i < c->source_count && i < SOURCES_MAX; i++) {
        const struct cache_source *from = &c->source[i];
        size_t before = c->count;
        struct err *e = read_source(c, from);
        if (e && err_kind_of(e) == ERR_NOT_FOUND)
            event_note(c->events, "cache from %s: %s", from->name, err_message(e));
        else if (e && err_kind_of(e) != ERR_STOPPED)
            event_warn(c->events, "cache from %s is not used: %s", from->name, err_message(e));
        /* All of it or nothing: half a cache would hide what is wrong. */
        while (e && c->count > before)
            steprecord_wipe(&c->entry[--c->count].record);
        if (e && err_kind_of(e) == ERR_STOPPED)
            return e;
        err_free(e);
    }
    if (c->count)
        qsort(c->entry, c->count, sizeof *c->entry, by_key);
    return NULL;
}

struct err *cacheset_read(struct cacheset *c)
{
    if (!c)
        return NULL;
    AUTO(lock_release) struct lock *held = lock_hold(c->lock);
    if (c->read)
        return NULL;
    c->read = true;
    return read_all(c);
}

/* Who was stopped hears of it soon enough. */
static bool has_read(struct cacheset *c)
{
    err_free(cacheset_read(c));
    return c != NULL;
}

const struct step_record *cacheset_find(struct cacheset *c, const struct digest *key,
                                        const struct cache_source **from)
{
    size_t low = 0, high = has_read(c) ? c->count : 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (memcmp(c->entry[middle].key.bytes, key->bytes, sizeof key->bytes) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (!c || low == c->count || !digest_equal(&c->entry[low].key, key))
        return NULL;
    *from = c->entry[low].from;
    return &c->entry[low].record;
}

const struct step_record *cacheset_at(struct cacheset *c, size_t i, const struct cache_source **from)
{
    if (!has_read(c) || i >= c->count)
        return NULL;
    *from = c->entry[i].from;
    return &c->entry[i].record;
}

static const struct about *find_about(struct cacheset *c, const char *media_type,
                                      const struct digest *diff_id)
{
    size_t count = has_read(c) ? c->about_count : 0;
    for (size_t i = 0; i < count; i++)
        if (digest_equal(&c->about[i].diff_id, diff_id) && str_eq(c->about[i].desc.media_type, media_type))
            return &c->about[i];
    return NULL;
}

/* Without it there is the layer itself, or less to say. */
static struct err *tell(const struct cacheset *c, const struct about *about, const char *what, struct err *e)
{
    char brief[DIGEST_SHORT];
    if (!e || err_kind_of(e) == ERR_STOPPED)
        return e;
    event_warn(c->events, "cache from %s: the %s of layer %s: %s", about->from->name, what,
               digest_short(&about->diff_id, brief), err_message(e));
    err_free(e);
    return NULL;
}

static struct err *read_index(struct tree **out, const struct about *about)
{
    AUTO(source_free) struct source *bytes = NULL;
    TRY(store_get(about->from->store, &about->desc, &bytes));
    return indexpack_read(out, TAKE(bytes), &about->diff_id);
}

struct err *cacheset_index(struct tree **out, struct cacheset *c, const struct digest *diff_id)
{
    const struct about *about = find_about(c, CACHESET_INDEX, diff_id);
    *out = NULL;
    return about ? tell(c, about, "index", read_index(out, about)) : NULL;
}

static struct err *read_listing(struct buf *out, const struct about *about)
{
    AUTO(source_free) struct source *bytes = NULL;
    TRY(store_get(about->from->store, &about->desc, &bytes));
    return indexpack_gunzip(out, TAKE(bytes));
}

struct err *cacheset_listing(struct buf *out, struct cacheset *c, const struct digest *diff_id, bool *found)
{
    const struct about *about = find_about(c, CACHESET_LISTING, diff_id);
    *found = about != NULL;
    if (!about)
        return NULL;
    struct err *e = read_listing(out, about);
    *found = !e;
    return tell(c, about, "listing", e);
}

bool cacheset_about_layer(struct cacheset *c, const char *media_type, const struct digest *diff_id,
                          struct desc *out, const struct cache_source **from)
{
    const struct about *about = find_about(c, media_type, diff_id);
    if (!about)
        return false;
    desc_copy(out, &about->desc);
    *from = about->from;
    return true;
}
