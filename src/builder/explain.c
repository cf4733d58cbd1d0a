/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/explain.h"

#include "base/dir.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "builder/listings.h"
#include "builder/stepcache.h"
#include "layers/listing.h"

#include <fcntl.h>
#include <string.h>

#define FILES_TOLD 10
#define VALUE_SHOWN 64
#define HERE "this machine"

/* The nearest record so far. */
struct nearest {
    struct step_record record;
    const char *from; /* NULL: there is none */
    size_t score;
};

static const struct step_input *find(const struct step_record *r, const char *name)
{
    for (size_t i = 0; i < r->input_count; i++)
        if (str_eq(r->input[i].name, name))
            return &r->input[i];
    return NULL;
}

static bool same(const struct step_input *a, const struct step_input *b)
{
    return a && b && a->digested == b->digested && a->len == b->len &&
           memcmp(a->value, b->value, a->len) == 0;
}

static bool is_layer(const char *name)
{
    return str_starts(name, "layer ");
}

static bool is_word(const char *name)
{
    static const char *const words[] = {"word ", "script", "source ", "destination"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (str_starts(name, words[i]))
            return true;
    return false;
}

/* Of the inputs that are of a kind: how many are the same, and whether all are, on both sides. */
static size_t count_same(const struct step_record *a, const struct step_record *b,
                         bool (*of_kind)(const char *), bool *all)
{
    size_t sum = 0, here = 0, there = 0;
    for (size_t i = 0; i < a->input_count; i++) {
        bool counts = !of_kind || of_kind(a->input[i].name);
        here += counts;
        sum += counts && same(&a->input[i], find(b, a->input[i].name));
    }
    for (size_t i = 0; i < b->input_count; i++)
        there += !of_kind || of_kind(b->input[i].name);
    *all = sum == here && sum == there;
    return sum;
}

/* Another step is worth comparing with when it has the same words, or stands in the same place. */
static size_t score(const struct step_record *a, const struct step_record *b)
{
    bool words = false, layers = false, all = false;
    size_t same_words = count_same(a, b, is_word, &words), same_layers = count_same(a, b, is_layer, &layers);
    if (!words && !layers)
        return 0;
    return (words ? 1000 : same_words) + 10 * same_layers + count_same(a, b, NULL, &all);
}

static void consider(struct nearest *best, const struct step_record *r, const struct step_record *other,
                     const char *from)
{
    size_t points = score(r, other);
    if (!find(r, "copy") != !find(other, "copy") || points <= best->score)
        return;
    steprecord_copy(&best->record, other);
    best->from = from;
    best->score = points;
}

static void consider_file(struct nearest *best, const struct step_record *r, int dir, const char *name)
{
    AUTO_VALUE(buf_wipe) struct buf data = BUF(STEPRECORD_MAX);
    AUTO_VALUE(steprecord_wipe) struct step_record other = {0};
    bool found = false;
    struct err *e = fs_read_file(&data, dir, name, &found);
    if (!e && found)
        e = steprecord_decode(&other, NULL, buf_text(&data), data.len);
    if (!e && found)
        consider(best, r, &other, HERE);
    err_free(e);
}

static void consider_here(struct nearest *best, const struct step_record *r, int cache_dir)
{
    int fd = -1;
    struct err *e =
        cache_dir < 0 ? NULL : fs_open(&fd, cache_dir, STEPCACHE_FOLDER, O_RDONLY | O_DIRECTORY, 0);
    err_free(e);
    AUTO(closedir) DIR *dir = dir_take(fd);
    const struct dirent *entry;
    while (dir && (entry = readdir(dir)))
        if (*entry->d_name != '.')
            consider_file(best, r, dirfd(dir), entry->d_name);
}

static void look_for(struct nearest *best, const struct builder *b, const struct step_record *r)
{
    const struct cache_source *from = NULL;
    const struct step_record *other;
    consider_here(best, r, b->cache_dir);
    for (size_t i = 0; (other = cacheset_at(b->imported, i, &from)); i++)
        consider(best, r, other, from->name);
}

/* Which files of a layer are not what they were; false: nothing is known of them. */
static bool tell_files(struct builder *b, const struct part *part, const char *old_id, struct strlist *causes)
{
    AUTO_VALUE(buf_wipe) struct buf old = BUF(LISTING_MAX);
    AUTO_VALUE(buf_wipe) struct buf now = BUF(LISTING_MAX);
    struct digest diff_id = {0};
    bool found = false;
    size_t before = causes->count;
    struct err *e = digest_parse(&diff_id, old_id);
    if (!e)
        e = listings_find(b, &diff_id, &old, &found);
    if (!e && found)
        e = listings_of_part(b, part, &now, &found);
    if (!e && found)
        listing_compare(causes, buf_text(&old), buf_text(&now), FILES_TOLD);
    if (e)
        log_debug("explain: %s", err_message(e));
    err_free(e);
    return causes->count > before;
}

static void tell_layer(struct builder *b, const struct part *part, const struct step_input *old,
                       struct strlist *causes)
{
    AUTO(mem_free) char *what = part->about ? str_safe(strrchr(part->about, '\n') + 1) : NULL;
    if (part->base)
        strlist_add(causes, "the base image is another one");
    else if (old && tell_files(b, part, old->value, causes))
        return;
    else if (what)
        strlist_add_take(causes, mem_printf("the files of %s are not what they were", what));
    else
        strlist_add(causes, "a step before it made another layer");
}

/* "layer 3" and the like: the first that differs is the cause of those above it. */
static bool tell_layers(struct builder *b, const struct stage *s, const struct step_record *r,
                        const struct step_record *old, struct strlist *causes)
{
    for (size_t i = 0; i < s->parts.count; i++) {
        char name[32];
        snprintf(name, sizeof name, "layer %zu", i);
        const struct step_input *before = find(old, name);
        if (same(find(r, name), before))
            continue;
        tell_layer(b, s->parts.item[i], before, causes);
        return true;
    }
    char next[32];
    snprintf(next, sizeof next, "layer %zu", s->parts.count);
    if (find(old, next))
        strlist_add(causes, "a layer below it is no longer there");
    return false;
}

static char *shown_value(const struct step_input *in)
{
    return in ? str_escape(in->value, in->len, VALUE_SHOWN) : mem_strdup("(none)");
}

/* Values of variables may be secrets that somebody gave as arguments: their names have to do. */
static void tell_input(const char *name, const struct step_input *now, const struct step_input *old,
                       struct strlist *causes)
{
    AUTO(mem_free) char *after = shown_value(now);
    AUTO(mem_free) char *before = shown_value(old);
    AUTO(mem_free) char *safe = str_safe(name);
    if (str_starts(name, "env "))
        strlist_add_take(causes, mem_printf("%s %s", safe + strlen("env "),
                                            !old   ? "is set"
                                            : !now ? "is no longer set"
                                                   : "has another value"));
    else if (str_starts(name, "word ") || str_starts(name, "script") || str_starts(name, "document "))
        strlist_add(causes, "the command is another one");
    else if (str_starts(name, "mount ") && str_ends(name, " files"))
        strlist_add_take(causes, mem_printf("what %.*s shows is not what it was",
                                            (int)(strlen(safe) - strlen(" files")), safe));
    else
        strlist_add_take(causes, mem_printf("%s: %s, was %s", safe, after, before));
}

static bool is_layer_elsewhere(const char *name)
{
    return strstr(name, " layer ") || str_starts(name, "from layer ");
}

static void add_once(struct strlist *to, const struct strlist *from)
{
    for (size_t i = 0; i < from->count; i++)
        if (!strlist_has(to, from->item[i]))
            strlist_add(to, from->item[i]);
}

/* In the order of the inputs, layers first. */
static void compare(struct builder *b, const struct stage *s, const struct step_record *r,
                    const struct step_record *old, struct strlist *causes)
{
    AUTO_VALUE(strlist_wipe) struct strlist all = {0};
    bool elsewhere = false;
    tell_layers(b, s, r, old, &all);
    for (size_t i = 0; i < r->input_count; i++) {
        const struct step_input *in = &r->input[i], *before = find(old, in->name);
        if (is_layer(in->name) || same(in, before))
            continue;
        if (is_layer_elsewhere(in->name))
            elsewhere = true;
        else
            tell_input(in->name, in, before, &all);
    }
    for (size_t i = 0; i < old->input_count; i++)
        if (!is_layer(old->input[i].name) && !is_layer_elsewhere(old->input[i].name) &&
            !find(r, old->input[i].name))
            tell_input(old->input[i].name, NULL, &old->input[i], &all);
    if (elsewhere)
        strlist_add(&all, "a step of the stage that it takes files from made another layer");
    add_once(causes, &all);
}

static bool is_run(const json_t *entry)
{
    return str_eq(json_string_value(json_object_get(entry, "outcome")), "run");
}

/* A step that was run stays so, though a second pass finds what it made. */
static void add(json_t *explained, json_t *entry_take)
{
    const json_t *step = json_object_get(entry_take, "step");
    const json_t *other;
    size_t i;
    json_array_foreach (explained, i, other) {
        if (!json_equal(json_object_get(other, "step"), step))
            continue;
        if (is_run(other))
            json_decref(entry_take);
        else
            (void)json_array_set_new(explained, i, entry_take);
        return;
    }
    json_push(explained, entry_take);
}

static void put(struct builder *b, const struct stage *s, const char *outcome, const char *from,
                const struct strlist *causes)
{
    json_t *entry = json_object();
    json_put(entry, "step", json_new_str(s->shown));
    json_put(entry, "outcome", json_new_str(outcome));
    if (from)
        json_put(entry, "from", json_new_str(from));
    if (causes)
        json_put(entry, "causes", json_new_strlist(causes));
    add(b->passes->explained, entry);
}

void explain_taken(struct builder *b, const struct stage *s, const char *from)
{
    if (b->passes->explained)
        put(b, s, "taken", from ? from : HERE, NULL);
}

void explain_missed(struct builder *b, const struct stage *s, const struct step_record *r)
{
    AUTO_VALUE(strlist_wipe) struct strlist causes = {0};
    struct nearest best = {0};
    if (!b->passes->explained)
        return;
    if (!stepcache_allows(b, s))
        strlist_add(&causes, "caches are not to be used for it (--no-cache, --no-cache-filter)");
    else
        look_for(&best, b, r);
    if (best.from)
        compare(b, s, r, &best.record, &causes);
    else if (causes.count == 0)
        strlist_add(&causes, "no cache knows a step like it");
    if (causes.count == 0)
        strlist_add(&causes, b->no_ghosts ? "its files are needed, and the cache has only their digest"
                                          : "a cache knows it, but its layer is nowhere or in another form");
    put(b, s, "run", best.from, &causes);
    steprecord_wipe(&best.record);
}
