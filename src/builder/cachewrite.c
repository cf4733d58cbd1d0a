/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/cachewrite.h"

#include "base/mem.h"
#include "builder/cacheset.h"
#include "builder/explain.h"
#include "builder/listings.h"
#include "builder/stepcache.h"
#include "image/layout.h"
#include "image/manifest.h"
#include "image/mediatype.h"
#include "layers/indexpack.h"
#include "layers/layer.h"
#include "layers/listing.h"

#include <stdlib.h>
#include <string.h>

struct note {
    struct digest key;
    struct step_record record;
    struct part *part; /* NULL: the step changed nothing */
};
struct cache_notes {
    struct note *item;
    size_t count, room;
};

struct cache_notes *cache_notes_new(void)
{
    return mem_zero(1, sizeof(struct cache_notes));
}

void cache_notes_free(struct cache_notes *n)
{
    for (size_t i = 0; n && i < n->count; i++)
        steprecord_wipe(&n->item[i].record);
    if (n)
        free(n->item);
    free(n);
}

void cachewrite_note(struct builder *b, const struct step_record *r, struct part *part)
{
    struct note note = {0};
    if (!b->notes)
        return;
    struct err *e = steprecord_key(r, &note.key);
    for (size_t i = 0; !e && i < b->notes->count; i++)
        if (digest_equal(&b->notes->item[i].key, &note.key))
            return;
    if (!e) {
        steprecord_copy(&note.record, r);
        note.part = part;
        MEM_PUSH(b->notes->item, b->notes->count, b->notes->room, note);
    }
    err_free(e);
}

static bool is_in(const struct stage *s, const struct part *part)
{
    for (size_t i = 0; i < s->parts.count; i++)
        if (s->parts.item[i] == part)
            return true;
    return false;
}

/* Layers of stages that only others copy from are no blobs yet. What nobody has the files of stays a ghost.
 */
static struct err *make_blob(struct builder *b, struct part *part)
{
    struct layer_options options = b->options->layer;
    struct digest diff_id;
    if (digest_is_set(&part->desc.digest) || !part->made)
        return NULL;
    return layer_write(b->layout, part->tree, &options, &part->desc, &diff_id);
}

/* The form under which the layer's blob is known: that of the record it was found by, else this build's. */
static void set_form(struct step_record *r, const struct part *part, const char *form_id)
{
    AUTO(mem_free) char *id = mem_strdup(form_id);
    for (size_t i = 0; i < r->form_count; i++)
        if (digest_equal(&r->form[i].desc.digest, &part->desc.digest)) {
            free(id);
            id = mem_strdup(r->form[i].id);
        }
    steprecord_clear_forms(r);
    if (digest_is_set(&part->desc.digest))
        steprecord_set_form(r, id, &part->desc);
}

/* What the bases are called that layers belong to. */
static void note_bases(struct builder *b)
{
    for (size_t i = 0; i < b->plan.count + b->image_count; i++) {
        const struct stage *s = i < b->plan.count ? &b->stage[i] : b->image[i - b->plan.count];
        AUTO_VALUE(steprecord_wipe) struct step_record r = {0};
        if (s->state == STAGE_DONE && explain_base_record(s, &r))
            cachewrite_note(b, &r, NULL);
    }
}

/* Layers of files that no record of a step tells of. */
static void note_files(struct builder *b, const struct stage *target)
{
    for (size_t i = 0; i < target->parts.count; i++) {
        struct part *part = target->parts.item[i];
        AUTO_VALUE(steprecord_wipe) struct step_record r = {0};
        if (part->base || part->faked || !digest_is_set(&part->desc.digest))
            continue;
        stepcache_files_record(part, &r);
        cachewrite_note(b, &r, part);
    }
}

static int by_key(const void *a, const void *b)
{
    const struct note *x = a, *y = b;
    return memcmp(x->key.bytes, y->key.bytes, sizeof x->key.bytes);
}

/* The notes in an order that does not depend on who was faster, with the forms that others may count on. */
static struct err *write_records(struct builder *b, const struct stage *target, bool max, struct buf *out)
{
    AUTO(mem_free) char *form_id = stepcache_form_id(b);
    struct cache_notes *n = b->notes;
    note_files(b, target);
    note_bases(b);
    if (n->count)
        qsort(n->item, n->count, sizeof *n->item, by_key);
    AUTO(mem_free) struct step_record *records = mem_zero(n->count + 1, sizeof *records);
    for (size_t i = 0; i < n->count; i++) {
        struct note *note = &n->item[i];
        note->record.created = 0;
        if (note->part && (max || is_in(target, note->part)))
            set_form(&note->record, note->part, form_id);
        else
            steprecord_clear_forms(&note->record);
        records[i] = note->record; /* borrowed */
    }
    return cacheset_encode(records, n->count, out);
}

struct err *cachewrite_records(struct builder *b, const struct stage *target, struct buf *out)
{
    builder_lock(b);
    struct err *e = write_records(b, target, false, out);
    builder_unlock(b);
    return e;
}

static struct err *add_once(struct manifest *m, const struct desc *d)
{
    for (size_t i = 0; i < m->layers.count; i++)
        if (digest_equal(&m->layers.item[i].digest, &d->digest))
            return NULL;
    if (m->layers.count == MANIFEST_LAYERS_MAX)
        return err_new(ERR_RESOURCE, "the cache has more than %d layers", MANIFEST_LAYERS_MAX);
    desc_copy(desclist_add(&m->layers), d);
    return NULL;
}

/* One that somebody has made already stays where it is. */
static struct err *take_blob(struct builder *b, const struct desc *d, const struct cache_source *from)
{
    bool there = false;
    if (from->origin)
        return layout_set_origin(b->layout, d, from->origin);
    TRY(store_has(b->layout, d, &there));
    if (there)
        return NULL;
    AUTO(source_free) struct source *bytes = NULL;
    TRY(store_get(from->store, d, &bytes));
    return store_put(b->layout, d, bytes);
}

static struct err *add_about(struct builder *b, const char *media_type, const struct digest *diff_id,
                             const struct buf *packed, struct manifest *m)
{
    char text[DIGEST_TEXT];
    AUTO_VALUE(desc_wipe) struct desc d = {0};
    TRY(store_write(b->layout, media_type, buf_text(packed), packed->len, &d));
    strmap_set(&d.annotations, CACHESET_DIFF_ID, digest_text(diff_id, text));
    return add_once(m, &d);
}

static struct err *make_index(struct builder *b, const struct part *part, struct buf *out)
{
    int temp = -1;
    if (digest_is_set(&part->desc.digest))
        return indexpack_make(out, b->blobs, &part->desc, &part->diff_id, b->cache_dir);
    TRY(layout_temp(b->layout, &temp));
    return indexpack_make_from_tree(out, part->tree, &part->diff_id, temp);
}

/* Can this machine say itself what is in the layer, with nothing fetched? */
static struct err *knows_layer(const struct builder *b, const struct part *part, bool *yes)
{
    AUTO(tree_free) struct tree *kept = NULL;
    *yes = part->made;
    if (*yes || !digest_is_set(&part->desc.digest))
        return NULL;
    kept = layer_index_kept(&part->desc, &part->diff_id, b->cache_dir);
    *yes = kept != NULL;
    return *yes ? NULL : store_has(b->layout, &part->desc, yes);
}

/* A base that nobody looked into needs none; of a ghost there may be none. What a cache of others says of a
 * layer goes on where nothing better is at hand, so that the next machine need not fetch it either. */
static struct err *write_index(struct builder *b, const struct part *part, struct manifest *m)
{
    AUTO_VALUE(desc_wipe) struct desc theirs = {0};
    AUTO_VALUE(buf_wipe) struct buf bytes = BUF(INDEXPACK_MAX);
    const struct cache_source *from = NULL;
    bool wanted = part->tree && (digest_is_set(&part->desc.digest) || part->made);
    bool known = false, told = false;
    if (!digest_is_set(&part->diff_id))
        return NULL;
    TRY(knows_layer(b, part, &known));
    if (!wanted || !known)
        told = cacheset_about_layer(b->imported, CACHESET_INDEX, &part->diff_id, &theirs, &from);
    if (told && !known) {
        TRY(take_blob(b, &theirs, from));
        return add_once(m, &theirs);
    }
    if (!told && !wanted)
        return NULL;
    TRY(make_index(b, part, &bytes));
    return add_about(b, CACHESET_INDEX, &part->diff_id, &bytes, m);
}

/* Of a layer, or (`part` NULL) of what a mount showed. As above. */
static struct err *write_listing(struct builder *b, const struct digest *diff_id, const struct part *part,
                                 struct manifest *m)
{
    AUTO_VALUE(desc_wipe) struct desc theirs = {0};
    AUTO_VALUE(buf_wipe) struct buf plain = BUF(LISTING_MAX);
    AUTO_VALUE(buf_wipe) struct buf packed = BUF(LISTING_MAX);
    const struct cache_source *from = NULL;
    bool found = false;
    if (!digest_is_set(diff_id))
        return NULL;
    TRY(listings_kept(b, diff_id, &plain, &found));
    if (part && !found)
        TRY(listings_of_part(b, part, &plain, &found));
    if (found) {
        TRY(indexpack_gzip(&packed, &plain));
        return add_about(b, CACHESET_LISTING, diff_id, &packed, m);
    }
    if (!cacheset_about_layer(b->imported, CACHESET_LISTING, diff_id, &theirs, &from))
        return NULL;
    TRY(take_blob(b, &theirs, from));
    return add_once(m, &theirs);
}

/* The notes are in order. Layers are worth more than what only explains. */
static struct err *write_mount_listings(struct builder *b, struct manifest *m)
{
    for (size_t i = 0; i < b->notes->count; i++) {
        const struct step_record *r = &b->notes->item[i].record;
        for (size_t k = 0; k < r->input_count && m->layers.count < MANIFEST_LAYERS_MAX; k++) {
            struct digest shown;
            if (listings_mount_digest(&r->input[k], &shown))
                TRY(write_listing(b, &shown, NULL, m));
        }
    }
    return NULL;
}

static struct err *write_layers(struct builder *b, const struct stage *s, bool blobs, struct manifest *m)
{
    listings_keep(b, s); /* the next build, which has no files of steps that it takes, writes the same */
    for (size_t i = 0; i < s->parts.count; i++) {
        struct part *part = s->parts.item[i];
        if (part->faked)
            continue;
        if (!part->base && blobs) {
            TRY(make_blob(b, part));
            if (digest_is_set(&part->desc.digest))
                TRY(add_once(m, &part->desc));
        }
        TRY(write_index(b, part, m));
        TRY(write_listing(b, &part->diff_id, part, m));
    }
    return NULL;
}

static struct err *write_all(struct builder *b, const struct stage *target, bool max, struct manifest *m)
{
    AUTO_VALUE(buf_wipe) struct buf records = BUF(CACHESET_RECORDS_MAX);
    m->media_type = mem_strdup(MEDIATYPE_OCI_MANIFEST);
    m->artifact_type = mem_strdup(CACHESET_ARTIFACT);
    for (size_t i = 0; i < b->plan.count; i++)
        if (b->stage[i].state == STAGE_DONE)
            TRY(write_layers(b, &b->stage[i], max || &b->stage[i] == target, m));
    TRY(write_records(b, target, max, &records));
    TRY(write_mount_listings(b, m));
    return store_write(b->layout, CACHESET_RECORDS, buf_text(&records), records.len, &m->config);
}

struct err *cachewrite_manifest(struct builder *b, const struct stage *target, bool max, struct desc *out)
{
    AUTO_VALUE(manifest_wipe) struct manifest m = {0};
    builder_lock(b);
    struct err *e = write_all(b, target, max, &m);
    builder_unlock(b);
    TRY(e);
    AUTO(mem_free) char *text = manifest_bytes(&m);
    return store_write(b->layout, MEDIATYPE_OCI_MANIFEST, text, strlen(text), out);
}
