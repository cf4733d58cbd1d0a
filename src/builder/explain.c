/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/explain.h"

#include "base/dir.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "builder/explain_inner.h"
#include "builder/listings.h"
#include "builder/stepcache.h"
#include "layers/listing.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define HERE "this machine"
#define SAME_WORDS 1000
#define SAME_LAYER 10
#define SAME_PLACE 1
#define SAME_FILES INT64_MAX

void told_wipe(struct told *t)
{
    strlist_wipe(&t->causes);
    json_decref(t->differs);
}

static void put_text(json_t *object, const char *key, const char *text)
{
    if (text)
        json_put(object, key, json_new_str(text));
}

void told_add(struct told *t, struct cause cause, char *text_take)
{
    if (strlist_has(&t->causes, text_take)) {
        free(text_take);
        return;
    }
    json_t *object = json_object();
    put_text(object, "kind", cause.kind);
    put_text(object, "name", cause.name);
    put_text(object, "what", cause.what);
    put_text(object, "mount", cause.mount);
    put_text(object, "old", cause.old);
    put_text(object, "new", cause.now);
    if (!t->differs)
        t->differs = json_array();
    json_push(t->differs, object);
    strlist_add_take(&t->causes, text_take);
}

/* The nearest record so far. */
struct nearest {
    struct step_record record;
    const char *from; /* NULL: there is none */
    int64_t score;
    struct timespec used;
};

/* A layer that a record has in the place of ours: how many paths both have. */
struct rival {
    struct digest diff_id;
    int64_t common;
};

/* What is looked for in all records. `near` says how near one is; 0: not at all. */
struct search {
    struct nearest best;
    struct base_notes bases;
    int64_t (*near)(struct search *search, const struct step_record *other);
    const struct step_record *record; /* of near_step */
    struct builder *b;                /* of near_files, as all below */
    const struct stage *stage;
    struct buf files; /* the listing of its last layer */
    struct rival *rival;
    size_t rival_count, rival_room;
};

static void search_wipe(struct search *s)
{
    steprecord_wipe(&s->best.record);
    base_notes_wipe(&s->bases);
    buf_wipe(&s->files);
    free(s->rival);
}

static bool is_layer(const char *name)
{
    return str_starts(name, "layer ");
}

static bool is_word(const char *name)
{
    static const char *const words[] = {"word ", "script", "source ", "destination", "document "};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (str_starts(name, words[i]))
            return true;
    return false;
}

/* Of the inputs that are of a kind: how many are the same, and whether all are, on both sides. */
static int64_t count_same(const struct step_record *a, const struct step_record *b,
                          bool (*of_kind)(const char *), bool *all)
{
    int64_t sum = 0, here = 0, there = 0;
    for (size_t i = 0; i < a->input_count; i++) {
        bool counts = of_kind(a->input[i].name);
        here += counts;
        sum += counts && explain_same(&a->input[i], steprecord_input(b, a->input[i].name));
    }
    for (size_t i = 0; i < b->input_count; i++)
        there += of_kind(b->input[i].name);
    *all = sum == here && sum == there;
    return sum;
}

/* What a mount shows is told by content in one record and by layers in the other of the same step. */
static bool is_mount_layer(const char *name)
{
    return str_starts(name, "mount ") && strstr(name, " layer ");
}

static int64_t count_mount_layers(const struct step_record *r)
{
    int64_t count = 0;
    for (size_t i = 0; i < r->input_count; i++)
        count += is_mount_layer(r->input[i].name);
    return count;
}

static bool is_any(const char *name)
{
    (void)name;
    return true;
}

/* Another step is worth comparing with when it has the same words, or stands in the same place. Of several,
 * the one that has most in common and least besides. */
static int64_t near_step(struct search *search, const struct step_record *b)
{
    const struct step_record *a = search->record;
    bool words = false, layers = false, all = false;
    int64_t same_words = count_same(a, b, is_word, &words), same_layers = count_same(a, b, is_layer, &layers);
    int64_t more = (int64_t)a->input_count - (int64_t)b->input_count;
    int64_t here = count_mount_layers(a), there = count_mount_layers(b);
    if ((!words && !(layers && same_layers > 0)) ||
        !steprecord_input(a, "copy") != !steprecord_input(b, "copy"))
        return 0;
    int64_t points = (words ? SAME_WORDS : same_words) + SAME_LAYER * same_layers;
    points = 2 * (points + count_same(a, b, is_any, &all)) - (more < 0 ? -more : more);
    if (!here != !there)
        points -= 2 * (here + there);
    return points > 0 ? points : 1;
}

static bool is_layer_of(const struct step_input *in, const struct part *part)
{
    char text[DIGEST_TEXT];
    return in && str_eq(in->value, digest_text(&part->diff_id, text));
}

static int64_t count_common(const struct search *search, const struct digest *diff_id)
{
    AUTO_VALUE(buf_wipe) struct buf files = BUF(LISTING_MAX);
    bool found = false;
    struct err *e = listings_find(search->b, diff_id, &files, &found);
    int64_t count = e || !found ? 0 : (int64_t)listing_common(buf_text(&search->files), buf_text(&files));
    err_free(e);
    return count;
}

/* Stages that begin alike have other files in the same place. */
static int64_t common_with(struct search *search, const char *text)
{
    struct rival rival = {0};
    struct err *e = digest_parse(&rival.diff_id, text);
    if (e) {
        err_free(e);
        return 0;
    }
    for (size_t i = 0; i < search->rival_count; i++)
        if (digest_equal(&search->rival[i].diff_id, &rival.diff_id))
            return search->rival[i].common;
    rival.common = count_common(search, &rival.diff_id);
    MEM_PUSH(search->rival, search->rival_count, search->rival_room, rival);
    return rival.common;
}

/* The very layer anywhere, or another one on the same layers, the better the more paths both have. */
static int64_t near_files(struct search *search, const struct step_record *other)
{
    const struct part_list *parts = &search->stage->parts;
    for (size_t i = 0; i < other->input_count; i++)
        if (is_layer(other->input[i].name) && is_layer_of(&other->input[i], parts->item[parts->count - 1]))
            return SAME_FILES;
    for (size_t i = 0; i + 1 < parts->count; i++)
        if (!is_layer_of(explain_layer(other, "", i), parts->item[i]))
            return 0;
    const struct step_input *there = explain_layer(other, "", parts->count - 1);
    return there ? SAME_PLACE + common_with(search, there->value) : 0;
}

/* Of two that are as near, the one that was used last. */
static bool is_nearer(const struct nearest *best, int64_t score, const struct timespec *used)
{
    if (score != best->score)
        return score > best->score;
    return score > 0 && (used->tv_sec > best->used.tv_sec ||
                         (used->tv_sec == best->used.tv_sec && used->tv_nsec > best->used.tv_nsec));
}

static void consider(struct search *s, const struct step_record *other, const char *from,
                     struct timespec used)
{
    /* Who knows a COPY only by what it copied knows nothing of what it was made of. */
    if (base_notes_add(&s->bases, other) || steprecord_input(other, "copied"))
        return;
    int64_t score = s->near(s, other);
    if (!is_nearer(&s->best, score, &used))
        return;
    steprecord_copy(&s->best.record, other);
    s->best.from = from;
    s->best.score = score;
    s->best.used = used;
}

static void consider_file(struct search *s, int dir, const char *name)
{
    AUTO_VALUE(buf_wipe) struct buf data = BUF(STEPRECORD_MAX);
    AUTO_VALUE(steprecord_wipe) struct step_record other = {0};
    struct stat st = {0};
    bool found = false;
    struct err *e = fs_read_file(&data, dir, name, &found);
    if (!e && found)
        e = steprecord_decode(&other, NULL, buf_text(&data), data.len);
    if (!e && found && fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        consider(s, &other, HERE, st.st_mtim);
    err_free(e);
}

static void consider_here(struct search *s, int cache_dir)
{
    int fd = -1;
    struct err *e =
        cache_dir < 0 ? NULL : fs_open(&fd, cache_dir, STEPCACHE_FOLDER, O_RDONLY | O_DIRECTORY, 0);
    err_free(e);
    AUTO(closedir) DIR *dir = dir_take(fd);
    const struct dirent *entry;
    while (dir && (entry = readdir(dir)))
        if (*entry->d_name != '.')
            consider_file(s, dirfd(dir), entry->d_name);
}

static void look_for(struct search *s, const struct builder *b)
{
    const struct cache_source *from = NULL;
    const struct step_record *other;
    consider_here(s, b->cache_dir);
    for (size_t i = 0; (other = cacheset_at(b->imported, i, &from)); i++)
        consider(s, other, from->name, (struct timespec){0});
}

static bool is_run(const json_t *entry)
{
    return str_eq(json_string_value(json_object_get(entry, "outcome")), "run");
}

static json_int_t number_of(const json_t *entry, const char *key)
{
    return json_integer_value(json_object_get(entry, key));
}

/* By stage, then by step: the order of the Dockerfile, whoever was faster. */
static int compare_places(const json_t *a, const json_t *b)
{
    json_int_t stages = number_of(a, "stage") - number_of(b, "stage"),
               steps = number_of(a, "number") - number_of(b, "number");
    json_int_t order = stages ? stages : steps;
    return order < 0 ? -1 : order > 0;
}

/* A step that was run stays so, though a second pass finds what it made. */
static void add(json_t *explained, json_t *entry_take)
{
    size_t at = 0;
    while (at < json_array_size(explained) && compare_places(json_array_get(explained, at), entry_take) < 0)
        at++;
    const json_t *there = json_array_get(explained, at);
    if (!there || compare_places(there, entry_take) != 0)
        (void)json_array_insert_new(explained, at, entry_take);
    else if (is_run(there))
        json_decref(entry_take);
    else
        (void)json_array_set_new(explained, at, entry_take);
}

static void put(struct builder *b, const struct stage *s, const char *outcome, const char *from,
                const struct told *told)
{
    json_t *entry = json_object();
    json_put(entry, "step", json_new_str(s->shown));
    json_put(entry, "stage", json_integer((json_int_t)s->plan->number));
    json_put(entry, "number", json_integer((json_int_t)s->step));
    json_put(entry, "outcome", json_new_str(outcome));
    put_text(entry, "from", from);
    if (told) {
        json_put(entry, "causes", json_new_strlist(&told->causes));
        json_put(entry, "differs", told->differs ? json_incref(told->differs) : json_array());
    }
    add(b->passes->explained, entry);
}

void explain_taken(struct builder *b, const struct stage *s, const char *from)
{
    if (b->passes->explained)
        put(b, s, "taken", from ? from : HERE, NULL);
}

/* The step is known, and yet could not be taken. */
static void tell_lost(const struct builder *b, const struct stage *s, const struct step_record *r,
                      struct told *told)
{
    AUTO(mem_free) char *form = stepcache_form_id(b);
    if (s->plan->result && r->form_count && !steprecord_form(r, form)) {
        AUTO(mem_free) char *other = str_safe(r->form[0].id);
        told_add(told, (struct cause){.kind = "form", .old = other, .now = form},
                 mem_printf("the cache has its layer as %s only, and it is to be %s", other, form));
    } else if (r->form_count == 0 && (b->no_ghosts || s->plan->result)) {
        told_add(told, (struct cause){.kind = "lost"},
                 mem_strdup("its files are needed, and the cache has only their digest"));
    } else {
        told_add(told, (struct cause){.kind = "lost"},
                 mem_strdup("a cache knows it, but its layer is nowhere or in another form"));
    }
}

void explain_missed(struct builder *b, const struct stage *s, const struct explain_step *step)
{
    AUTO_VALUE(told_wipe) struct told told = {0};
    AUTO_VALUE(search_wipe) struct search search = {.near = near_step, .record = step->record};
    if (!b->passes->explained)
        return;
    if (!stepcache_allows(b, s)) {
        told_add(&told, (struct cause){.kind = "no-cache"},
                 mem_strdup("caches are not to be used for it (--no-cache, --no-cache-filter)"));
    } else if (s->layer_lost) {
        told_add(&told, (struct cause){.kind = "lost"},
                 mem_strdup("this machine knows it, but its layer is no longer there or in another form"));
    } else {
        look_for(&search, b);
        if (!search.best.from && b->no_imports && b->options->cache_from_count)
            told_add(&told, (struct cause){.kind = "lost"},
                     mem_strdup("a cache that knows it could not be used to the end"));
        else if (!search.best.from)
            told_add(&told, (struct cause){.kind = "unknown"}, mem_strdup("no cache knows a step like it"));
    }
    const struct comparison c = {.b = b,
                                 .s = s,
                                 .step = step,
                                 .now = step->record,
                                 .old = &search.best.record,
                                 .bases = &search.bases,
                                 .told = &told};
    if (search.best.from)
        explain_compare(&c);
    if (told.causes.count == 0)
        tell_lost(b, s, &search.best.record, &told);
    put(b, s, "run", search.best.from, &told);
}

/* A cache has the very layer. */
static const char *find_layer(const struct builder *b, const struct part *part)
{
    AUTO_VALUE(steprecord_wipe) struct step_record r = {0};
    const struct cache_source *from = NULL;
    struct digest key;
    stepcache_files_record(part, &r);
    struct err *e = steprecord_key(&r, &key);
    bool found = !e && cacheset_find(b->imported, &key, &from);
    err_free(e);
    return found ? from->name : NULL;
}

static void tell_files(struct builder *b, const struct stage *s, const struct part *part)
{
    AUTO_VALUE(told_wipe) struct told told = {0};
    AUTO_VALUE(search_wipe)
    struct search search = {.near = near_files, .b = b, .stage = s, .files = BUF(LISTING_MAX)};
    const char *from = find_layer(b, part);
    bool listed = false;
    if (!from) {
        struct err *e = listings_of_part(b, part, &search.files, &listed);
        if (e)
            log_debug("explain: %s", err_message(e));
        err_free(e);
        look_for(&search, b);
        const struct step_input *old = search.best.score > 0 && search.best.score < SAME_FILES
                                           ? explain_layer(&search.best.record, "", s->parts.count - 1)
                                           : NULL;
        if (search.best.score == SAME_FILES || (old && explain_part(b, part, old->value, &told)))
            from = search.best.from;
        else
            told_add(&told, (struct cause){.kind = "unknown"}, mem_strdup("no cache knows files like these"));
    }
    put(b, s, told.causes.count ? "read" : "same", from, &told);
}

void explain_files(struct builder *b, struct stage *s)
{
    if (!b->passes->explained || s->parts.count == 0)
        return;
    struct err *e = stage_diff_ids(b, s);
    if (e)
        log_debug("explain: %s", err_message(e));
    else
        tell_files(b, s, s->parts.item[s->parts.count - 1]);
    err_free(e);
    listings_keep(b, s);
}
