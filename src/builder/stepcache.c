/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/stepcache.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/newfile.h"
#include "base/trim.h"
#include "builder/cachewrite.h"
#include "builder/explain.h"
#include "builder/rootfs.h"
#include "image/layout.h"
#include "layers/layer.h"
#include "layers/unpacked.h"

#include <string.h>
#include <unistd.h>

#define FILE_MODE 0600

bool stepcache_allows(const struct builder *b, const struct stage *s)
{
    const struct run_options *o = &b->options->run;
    AUTO(mem_free) char *number = mem_printf("%u", s->plan->number);
    if (o->no_cache)
        return false;
    for (size_t i = 0; i < o->no_cache_filter.count; i++)
        if (str_eq_nocase(o->no_cache_filter.item[i], s->plan->name) ||
            str_eq(o->no_cache_filter.item[i], number))
            return false;
    return true;
}

static void shrug(struct err *e)
{
    if (e)
        log_debug("step cache: %s", err_message(e));
    err_free(e);
}

/* "steps/" and the key. */
static char *file_name(const struct digest *key)
{
    char hex[DIGEST_TEXT];
    return mem_printf(STEPCACHE_FOLDER "/%s", digest_hex(key, hex));
}

static struct err *load(struct step_record *out, int cache_dir, const struct digest *key, bool *found)
{
    AUTO(mem_free) char *name = file_name(key);
    AUTO_VALUE(buf_wipe) struct buf data = BUF(STEPRECORD_MAX);
    struct err *e = fs_read_file(&data, cache_dir, name, found);
    /* One that is too large is damaged, as any other. */
    if (e)
        return err_kind_of(e) == ERR_RESOURCE ? err_as(e, ERR_INTEGRITY) : e;
    if (!*found)
        return NULL;
    TRY(steprecord_decode(out, key, buf_text(&data), data.len));
    trim_mark_used(cache_dir, name);
    return NULL;
}

static void drop(int cache_dir, const struct digest *key)
{
    AUTO(mem_free) char *name = file_name(key);
    (void)unlinkat(cache_dir, name, 0);
}

static struct err *save(const struct step_record *r, int cache_dir)
{
    AUTO_VALUE(buf_wipe) struct buf data = BUF(STEPRECORD_MAX);
    struct digest key;
    TRY(steprecord_key(r, &key));
    TRY(steprecord_encode(r, &data));
    AUTO(mem_free) char *name = file_name(&key);
    TRY(fs_mkdir_all(cache_dir, STEPCACHE_FOLDER));
    TRY(newfile_write(cache_dir, name, FILE_MODE, data.data, data.len, false));
    return trim_below(cache_dir, STEPCACHE_FOLDER, STEPCACHE_TOTAL_MAX);
}

/* What the bytes of this build's blobs depend on, besides the files. */
char *stepcache_form_id(const struct builder *b)
{
    const struct layer_options *o = &b->options->layer;
    AUTO(mem_free) char *id = compress_id(o->compression, o->level);
    return mem_printf("%s%s", id, o->estargz ? " estargz" : "");
}

/* A blob of it that is in the store: in the wanted form for layers of the result. */
static struct err *find_blob(const struct builder *b, const struct stage *s, const struct step_record *r,
                             const struct step_form **out)
{
    AUTO(mem_free) char *id = stepcache_form_id(b);
    *out = NULL;
    for (size_t i = 0; i < r->form_count; i++) {
        bool there = false;
        if (s->plan->result && !str_eq(r->form[i].id, id))
            continue;
        TRY(store_has(b->layout, &r->form[i].desc, &there));
        if (there)
            *out = &r->form[i];
    }
    return NULL;
}

/* The blob is gone, or wanted in another form: made again from the files. */
static struct err *write_again(const struct builder *b, struct part *part, struct step_record *r)
{
    AUTO(mem_free) char *id = stepcache_form_id(b);
    struct layer_options options = b->options->layer;
    struct digest diff_id;
    options.about = NULL;
    TRY(layer_write(b->layout, part->tree, &options, &part->desc, &diff_id));
    if (!digest_equal(&diff_id, &r->diff_id))
        return err_new(ERR_INTEGRITY, "the files of a layer are not what they were");
    steprecord_set_form(r, id, &part->desc);
    return save(r, b->cache_dir);
}

/* The layer of the record, without the builder's lock. *part is not filled when it is nowhere. */
static struct err *find_layer(const struct builder *b, const struct stage *s, struct step_record *r,
                              struct part *part, bool *found)
{
    const struct step_form *form = NULL;
    TRY(find_blob(b, s, r, &form));
    TRY(unpacked_open_any(&part->shown, b->cache_dir, &r->diff_id));
    part->diff_id = r->diff_id;
    part->made = part->shown != NULL;
    if (part->shown) {
        part->tree = unpacked_tree(part->shown);
        tree_settle(part->tree);
    }
    if (form)
        desc_copy(&part->desc, &form->desc);
    else if (part->shown && s->plan->result)
        TRY(write_again(b, part, r));
    *found = form || part->shown;
    return NULL;
}

static struct err *fetch_blob(const struct builder *b, const struct desc *d, const struct cache_source *from)
{
    AUTO(source_free) struct source *bytes = NULL;
    TRY(store_get(from->store, d, &bytes));
    return store_put(b->layout, d, bytes);
}

/* A record may name a blob that is another layer: it is taken when its files are those that it promises. What
 * is found out of them stays, so that the next build need not look again. */
static struct err *check_blob(const struct builder *b, const struct part *part)
{
    AUTO(tree_free) struct tree *files = NULL;
    return layer_index(&files, b->layout, &part->desc, &part->diff_id, b->cache_dir);
}

/* From a cache that was imported. In the result a layer has to be a blob of the wanted form; else it may be
 * one that nobody has, as long as nobody reads it. */
static struct err *find_imported(const struct builder *b, bool result, const struct step_record *r,
                                 const struct cache_source *from, struct part *part, bool *found)
{
    AUTO(mem_free) char *id = stepcache_form_id(b);
    const struct step_form *form = result ? steprecord_form(r, id) : r->form_count ? &r->form[0] : NULL;
    bool there = false;
    *found = false;
    part->diff_id = r->diff_id;
    part->imported = true;
    if (form)
        TRY(store_has(from->store, &form->desc, &there));
    if (!there) {
        *found = !result && !b->no_ghosts;
        return NULL;
    }
    desc_copy(&part->desc, &form->desc);
    *found = true;
    if (from->origin)
        TRY(layout_set_origin(b->layout, &part->desc, from->origin));
    TRY(store_has(b->layout, &part->desc, &there));
    if (!there && from->origin)
        return NULL;
    if (!there)
        TRY(fetch_blob(b, &part->desc, from));
    return check_blob(b, part);
}

static void release(struct part *part)
{
    desc_wipe(&part->desc);
    unpacked_close(part->shown);
}

/* A cache that cannot be read costs time only. */
static bool is_fatal(const struct err *e)
{
    return e && (err_kind_of(e) == ERR_STOPPED || err_kind_of(e) == ERR_RESOURCE);
}

static const struct step_input *next_but_mounts(const struct step_record *r, size_t *at)
{
    while (*at < r->input_count && str_starts(r->input[*at].name, "mount "))
        (*at)++;
    return *at < r->input_count ? &r->input[(*at)++] : NULL;
}

/* The same step, whose mounts may be told by content in one and by layers in the other. */
static bool is_same_step(const struct step_record *a, const struct step_record *b)
{
    for (size_t i = 0, k = 0;;) {
        const struct step_input *x = next_but_mounts(a, &i), *y = next_but_mounts(b, &k);
        if (!x || !y)
            return x == y;
        if (!str_eq(x->name, y->name) || x->len != y->len || memcmp(x->value, y->value, x->len) != 0)
            return false;
    }
}

/* What others have found out of the same layer, or of the same step without one, goes on to the caches that
 * this build writes. */
static void note_all(struct builder *b, const struct step_record *r, const struct cache_source *from,
                     struct part *part)
{
    const struct cache_source *whose = NULL;
    const struct step_record *other;
    cachewrite_note(b, r, part);
    for (size_t i = 0; b->notes && from && (other = cacheset_at(b->imported, i, &whose)); i++)
        if (other->has_layer == r->has_layer &&
            (r->has_layer ? digest_equal(&other->diff_id, &r->diff_id) : is_same_step(other, r)))
            cachewrite_note(b, other, part);
}

/* The layer of a record, with the builder's lock given up. `from` NULL: of this machine's. */
static struct err *take_layer(struct builder *b, struct stage *s, struct step_record *r,
                              const struct cache_source *from, bool *hit)
{
    struct part part = {0};
    builder_unlock(b);
    struct err *e =
        from ? find_imported(b, s->plan->result, r, from, &part, hit) : find_layer(b, s, r, &part, hit);
    builder_lock(b);
    if (!e && *hit) {
        stage_add_part(b, s, &part);
        note_all(b, r, from, s->parts.item[s->parts.count - 1]);
        return NULL;
    }
    release(&part);
    *hit = false;
    return e;
}

static struct err *take(struct builder *b, struct stage *s, struct step_record *r,
                        const struct cache_source *from, bool *hit)
{
    if (r->has_layer)
        return take_layer(b, s, r, from, hit);
    note_all(b, r, from, NULL);
    *hit = true;
    return NULL;
}

static struct err *take_local(struct builder *b, struct stage *s, const struct digest *key, bool *hit,
                              bool *empty)
{
    AUTO_VALUE(steprecord_wipe) struct step_record found = {0};
    bool there = false;
    if (b->cache_dir < 0)
        return NULL;
    struct err *e = load(&found, b->cache_dir, key, &there);
    if (!e && there)
        e = take(b, s, &found, NULL, hit);
    *empty = !found.has_layer;
    if (is_fatal(e))
        return e;
    if (e || (there && !*hit)) {
        drop(b->cache_dir, key);
        s->layer_lost = there;
    }
    shrug(e);
    return NULL;
}

/* Registries are asked, so without the lock. */
static struct err *read_imported(struct builder *b)
{
    builder_unlock(b);
    struct err *e = cacheset_read(b->imported);
    builder_lock(b);
    return e;
}

static struct err *take_imported(struct builder *b, struct stage *s, const struct digest *key, bool *hit,
                                 bool *empty)
{
    const struct cache_source *from = NULL;
    TRY(read_imported(b));
    const struct step_record *known = cacheset_find(b->imported, key, &from);
    if (!known)
        return NULL;
    AUTO_VALUE(steprecord_wipe) struct step_record found = {0};
    steprecord_copy(&found, known);
    *empty = !found.has_layer;
    struct err *e = take(b, s, &found, from, hit);
    if (e && err_kind_of(e) == ERR_STOPPED)
        return e; /* limits are what a foreign size may pass: no reason to end a build */
    if (*hit)
        s->taken_from = from->name;
    if (e)
        event_warn(b->options->events, "cache from %s: %s", from->name, err_message(e));
    err_free(e);
    return NULL;
}

struct err *stepcache_take(struct builder *b, struct stage *s, const struct step_record *r, bool *hit,
                           bool *empty)
{
    struct digest key;
    *hit = false;
    TRY(steprecord_key(r, &key));
    TRY(take_local(b, s, &key, hit, empty));
    return *hit ? NULL : take_imported(b, s, &key, hit, empty);
}

/* What was imported has been read when the step was looked for by other inputs. */
struct err *stepcache_knows(struct builder *b, struct stage *s, const struct step_record *r, bool *known)
{
    AUTO_VALUE(steprecord_wipe) struct step_record here = {0};
    const struct digest *made = &s->parts.item[s->parts.count - 1]->diff_id;
    const struct cache_source *from = NULL;
    struct digest key;
    struct err *e = NULL;
    *known = false;
    TRY(steprecord_key(r, &key));
    if (b->cache_dir >= 0)
        e = load(&here, b->cache_dir, &key, known);
    if (is_fatal(e))
        return e;
    *known = !e && *known && here.has_layer && digest_equal(&here.diff_id, made);
    shrug(e);
    if (*known)
        return NULL;
    const struct step_record *there = cacheset_find(b->imported, &key, &from);
    *known = there && there->has_layer && digest_equal(&there->diff_id, made);
    if (*known)
        s->taken_from = from->name;
    return NULL;
}

/* A layer of files that this build has read: only as a blob it can be known. */
static void files_record(struct step_record *r, const struct digest *diff_id)
{
    char text[DIGEST_TEXT];
    steprecord_add_text(r, "files", digest_text(diff_id, text));
}

struct err *stepcache_share_files(struct builder *b, const struct part *part, bool *known)
{
    AUTO(mem_free) char *id = stepcache_form_id(b);
    AUTO_VALUE(steprecord_wipe) struct step_record r = {0};
    const struct cache_source *from = NULL;
    struct digest key;
    if (!b->imported || b->options->run.no_cache)
        return NULL;
    files_record(&r, &part->diff_id);
    TRY(steprecord_key(&r, &key));
    TRY(read_imported(b));
    const struct step_record *record = cacheset_find(b->imported, &key, &from);
    const struct step_form *form = record ? steprecord_form(record, id) : NULL;
    if (!form || !from->origin || !digest_equal(&form->desc.digest, &part->desc.digest))
        return NULL;
    *known = true;
    return layout_set_origin(b->layout, &part->desc, from->origin);
}

void stepcache_files_record(const struct part *part, struct step_record *out)
{
    files_record(out, &part->diff_id);
    out->has_layer = true;
    out->diff_id = part->diff_id;
}

void stepcache_note(struct builder *b, struct stage *s, struct step_record *r, bool empty)
{
    struct part *part = empty ? NULL : s->parts.item[s->parts.count - 1];
    r->has_layer = !empty;
    if (part)
        r->diff_id = part->diff_id;
    cachewrite_note(b, r, part);
}

void stepcache_keep(struct builder *b, struct stage *s, struct step_record *r, bool empty, bool claimed)
{
    AUTO(mem_free) char *id = stepcache_form_id(b);
    const struct part *part = empty ? NULL : s->parts.item[s->parts.count - 1];
    stepcache_note(b, s, r, empty);
    r->created = clock_unix();
    if (part && s->plan->result)
        steprecord_set_form(r, id, &part->desc);
    if (b->cache_dir >= 0 && !claimed)
        shrug(save(r, b->cache_dir));
}

void stepcache_keep_base(struct builder *b, const struct stage *s)
{
    AUTO_VALUE(steprecord_wipe) struct step_record r = {0};
    AUTO_VALUE(steprecord_wipe) struct step_record there = {0};
    struct digest key;
    bool found = false;
    if (b->cache_dir < 0 || !explain_base_record(s, &r))
        return;
    struct err *e = steprecord_key(&r, &key);
    if (!e)
        e = load(&there, b->cache_dir, &key, &found);
    r.created = clock_unix();
    if (!e && !found)
        e = save(&r, b->cache_dir);
    shrug(e);
}
