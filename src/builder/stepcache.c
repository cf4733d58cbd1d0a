/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/stepcache.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/newfile.h"
#include "base/trim.h"
#include "builder/rootfs.h"
#include "layers/unpacked.h"

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
    TRY(fs_read_file(&data, cache_dir, name, found));
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
static char *form_id(const struct builder *b)
{
    const struct layer_options *o = &b->options->layer;
    AUTO(mem_free) char *id = compress_id(o->compression, o->level);
    return mem_printf("%s%s", id, o->estargz ? " estargz" : "");
}

/* A blob of it that is in the store: in the wanted form for layers of the result. */
static struct err *find_blob(const struct builder *b, const struct stage *s, const struct step_record *r,
                             const struct step_form **out)
{
    AUTO(mem_free) char *id = form_id(b);
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
    AUTO(mem_free) char *id = form_id(b);
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

static void release(struct part *part)
{
    desc_wipe(&part->desc);
    unpacked_close(part->shown);
}

static struct err *take_layer(struct builder *b, struct stage *s, struct step_record *r, bool *hit)
{
    struct part part = {0};
    builder_unlock(b);
    struct err *e = find_layer(b, s, r, &part, hit);
    builder_lock(b);
    if (!e && *hit) {
        stage_add_part(b, s, &part);
        return NULL;
    }
    release(&part);
    *hit = false;
    return e;
}

struct err *stepcache_take(struct builder *b, struct stage *s, struct step_record *r, bool *hit, bool *empty)
{
    AUTO_VALUE(steprecord_wipe) struct step_record found = {0};
    struct digest key;
    bool there = false;
    *hit = false;
    TRY(steprecord_key(r, &key));
    struct err *e = load(&found, b->cache_dir, &key, &there);
    if (!e && there && found.has_layer)
        e = take_layer(b, s, &found, hit);
    else if (!e && there)
        *hit = true;
    *empty = !found.has_layer;
    if (e && (err_kind_of(e) == ERR_STOPPED || err_kind_of(e) == ERR_RESOURCE))
        return e;
    if (e || (there && !*hit))
        drop(b->cache_dir, &key);
    shrug(e);
    return NULL;
}

void stepcache_keep(struct builder *b, struct stage *s, struct step_record *r, bool empty)
{
    AUTO(mem_free) char *id = form_id(b);
    r->has_layer = !empty;
    r->created = clock_unix();
    if (!empty) {
        const struct part *part = s->parts.item[s->parts.count - 1];
        r->diff_id = part->diff_id;
        if (s->plan->result)
            steprecord_set_form(r, id, &part->desc);
    }
    shrug(save(r, b->cache_dir));
}
