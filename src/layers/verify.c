/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/verify.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/stop.h"
#include "base/str.h"
#include "image/config.h"
#include "image/manifest.h"
#include "image/mediatype.h"
#include "layers/reader.h"
#include "layers/verify_inner.h"

#include <inttypes.h>

#define DEPTH_MAX 8

static const struct verify_state good = {true, true}, bad = {false, false};

struct verify *verify_new(struct store *store, struct store *elsewhere, const struct verify_options *options)
{
    struct verify *v = mem_zero(1, sizeof *v);

    v->store = store;
    v->elsewhere = elsewhere;
    v->options = options;
    return v;
}

void verify_free(struct verify *v)
{
    if (!v)
        return;
    digestset_wipe(&v->set);
    layout_list_wipe(&v->images);
    mem_free(v->seen);
    mem_free(v);
}

struct verify_counts verify_counts(const struct verify *v)
{
    return v->counts;
}

void verify_say(struct verify *v, enum verify_finding what, const char *format, ...)
{
    static const char *const word[] = {
        [VERIFY_BROKEN] = "broken", [VERIFY_MISSING] = "missing", [VERIFY_NOTE] = "note"};
    va_list args;

    va_start(args, format);
    AUTO(mem_free) char *text = mem_vprintf(format, args);
    va_end(args);
    AUTO(mem_free) char *line = mem_printf("%s: %s", word[what], text);
    v->counts.broken += what == VERIFY_BROKEN;
    v->counts.missing += what == VERIFY_MISSING;
    v->options->say(v->options->ctx, what, line);
}

/* An error becomes a finding when it is about the blob, and stays an error when it is about us. */
static struct err *find(struct verify *v, struct err *e, const struct desc *d, const char *where)
{
    char text[DIGEST_TEXT];
    bool about_us = err_errno(e) || err_http_status(e);

    switch (err_kind_of(e)) {
    case ERR_NOT_FOUND:
        verify_say(v, VERIFY_MISSING, "%s: %s: %s", digest_text(&d->digest, text), where, err_message(e));
        break;
    case ERR_RESOURCE:
    case ERR_INTERNAL:
    case ERR_UNSUPPORTED:
        if (about_us)
            return err_wrap(e, "%s", where);
        verify_say(v, VERIFY_BROKEN, "%s: %s: %s", digest_text(&d->digest, text), where, err_message(e));
        break;
    case ERR_INTEGRITY:
    case ERR_INPUT:
        verify_say(v, VERIFY_BROKEN, "%s: %s: %s", digest_text(&d->digest, text), where, err_message(e));
        break;
    case ERR_USAGE:
    case ERR_DENIED:
    case ERR_CONFLICT:
    case ERR_NETWORK:
    case ERR_STEP:
    case ERR_STOPPED:
        return err_wrap(e, "%s", where);
    }
    err_free(e);
    return NULL;
}

/* True when it is new; *seen is only valid until the next one is added. */
static bool enter(struct verify *v, const struct desc *d, size_t *number)
{
    if (!digestset_add(&v->set, &d->digest, number))
        return false;
    MEM_PUSH(v->seen, v->count, v->room, (struct verify_seen){.size = d->size});
    return true;
}

static void count_bytes(void *ctx, const uint8_t *data, size_t len)
{
    struct verify *v = ctx;
    (void)data;
    v->counts.bytes += len;
}

/* A blob that is here counts, damaged or not; only for one that is not, we look elsewhere. NULL: it was left
 * where its base came from, and is not fetched. */
static struct err *open_blob(struct verify *v, const struct desc *d, const char *where, struct source **out)
{
    char text[DIGEST_TEXT];
    struct err *e = store_get(v->store, d, out);

    if (e && err_kind_of(e) == ERR_NOT_FOUND && v->options->local) {
        AUTO(mem_free) char *origin = store_origin(v->store, d);
        AUTO(mem_free) char *safe = origin ? str_safe(origin) : NULL;
        if (!safe)
            return e;
        err_free(e);
        verify_say(v, VERIFY_NOTE, "%s: %s: not here, but at %s", digest_text(&d->digest, text), where, safe);
        *out = NULL;
        return NULL;
    }
    if (e && err_kind_of(e) == ERR_NOT_FOUND && v->elsewhere) {
        err_free(e);
        e = store_get(v->elsewhere, d, out);
    }
    TRY(e);
    *out = source_watch(*out, count_bytes, v);
    v->counts.blobs++;
    return NULL;
}

static void add_to_hash(void *hash, const uint8_t *data, size_t len)
{
    hash_add(hash, data, len);
}

/* Not what the descriptor says: is it the bytes, or is it the descriptor? */
static bool bytes_are_bad(struct verify *v, const struct desc *d, const struct err *e)
{
    const struct desc by_name = {.digest = d->digest, .size = UINT64_MAX};
    AUTO(source_free) struct source *from = NULL;

    if (!v->layout || !e || err_kind_of(e) != ERR_INTEGRITY)
        return false;
    AUTO(err_free) struct err *again = store_get(v->layout, &by_name, &from);
    if (!again)
        again = source_drain(from);
    return again && err_kind_of(again) == ERR_INTEGRITY;
}

/* All of a blob, and with `hash` its plain bytes. Bytes that are wrong often cannot be decompressed either:
 * the packed ones come first. */
static struct err *read_blob(struct source *packed, const struct desc *d, struct hash *hash)
{
    AUTO(source_free) struct source *plain = NULL;
    struct err *e = NULL;

    if (hash)
        e = reader_plain(&plain, source_borrow(packed), reader_packing_of(d->media_type));
    if (hash && !e) {
        plain = source_watch(TAKE(plain), add_to_hash, hash);
        e = source_drain(plain);
    }
    if (e && err_kind_of(e) == ERR_STOPPED)
        return e;
    struct err *first = source_drain(packed);
    if (!e || (first && err_kind_of(first) == ERR_INTEGRITY)) {
        err_free(e);
        return first;
    }
    err_free(first);
    return e;
}

static struct err *check_again(struct verify *v, const struct desc *d, const char *where, size_t number,
                               struct verify_state *out)
{
    char text[DIGEST_TEXT];
    const struct verify_seen *s = &v->seen[number];

    *out = (struct verify_state){s->sound, s->sound || s->mends};
    if (s->size == d->size)
        return NULL;
    verify_say(v, VERIFY_BROKEN,
               "%s: %s: it has %" PRIu64 " bytes by one descriptor and %" PRIu64 " by another",
               digest_text(&d->digest, text), where, s->size, d->size);
    *out = bad;
    return NULL;
}

static struct err *check_diff_id(struct verify *v, const struct desc *d, const struct digest *want,
                                 const struct digest *found, const char *where, struct verify_state *out)
{
    char text[DIGEST_TEXT], want_text[DIGEST_TEXT], found_text[DIGEST_TEXT];

    if (digest_equal(want, found))
        return NULL;
    verify_say(v, VERIFY_BROKEN, "%s: %s: its plain bytes have the digest %s, the config says %s",
               digest_text(&d->digest, text), where, digest_text(found, found_text),
               digest_text(want, want_text));
    *out = bad;
    return NULL;
}

/* A blob that has no blobs below it; `diff_id` NULL: only its own bytes. */
struct err *verify_blob(struct verify *v, const struct desc *d, const struct digest *diff_id,
                        const char *where, struct verify_state *out)
{
    AUTO(hash_free) struct hash *hash = diff_id ? hash_new(diff_id->alg) : NULL;
    size_t number;
    AUTO(source_free) struct source *packed = NULL;
    struct digest found;

    TRY(stop_check());
    if (!enter(v, d, &number)) {
        TRY(check_again(v, d, where, number, out));
        const struct verify_seen *old = &v->seen[number];
        if (!out->sound || !diff_id || !old->has_diff_id || old->diff_id.alg != diff_id->alg)
            return NULL;
        return check_diff_id(v, d, diff_id, &old->diff_id, where, out);
    }
    *out = good;
    struct err *e = open_blob(v, d, where, &packed);
    if (!e && packed)
        e = read_blob(packed, d, hash);
    struct verify_seen *s = &v->seen[number];
    if (e) {
        s->bad_bytes = bytes_are_bad(v, d, e);
        AUTO(mem_free) char *origin = s->bad_bytes ? store_origin(v->store, d) : NULL;
        s->mends = origin != NULL;
        *out = (struct verify_state){false, s->mends};
        return find(v, e, d, where);
    }
    s->sound = true;
    if (!hash || !packed)
        return NULL;
    found = hash_value(hash);
    s->has_diff_id = true;
    s->diff_id = found;
    return check_diff_id(v, d, diff_id, &found, where, out);
}

static void join(struct verify_state *all, struct verify_state one)
{
    all->sound = all->sound && one.sound;
    all->mends = all->mends && one.mends;
}

/* A document: read, and its bytes kept. `data` stays empty when something is wrong with them. */
static struct err *read_document(struct verify *v, const struct desc *d, const char *where, size_t number,
                                 struct buf *data)
{
    AUTO(source_free) struct source *from = NULL;
    struct err *e = open_blob(v, d, where, &from);

    if (!e && !from)
        e = err_new(ERR_NOT_FOUND, "only layers may be elsewhere");
    if (!e)
        e = source_read_all(from, data, "it");
    if (!e)
        return NULL;
    buf_clear(data);
    v->seen[number].bad_bytes = bytes_are_bad(v, d, e);
    return find(v, e, d, where);
}

static struct err *check_config(struct verify *v, const struct desc *d, const char *where,
                                struct config *config, struct verify_state *out)
{
    AUTO_VALUE(buf_wipe) struct buf data = BUF(CONFIG_SIZE_MAX);
    size_t number;
    bool new = enter(v, d, &number);

    *out = bad;
    if (!new) {
        TRY(check_again(v, d, where, number, out));
        if (!out->sound)
            return NULL;
        /* Another image with the same config: its text is wanted again, and was good. */
    }
    TRY(read_document(v, d, where, number, &data));
    if (data.len == 0 && d->size > 0)
        return NULL;
    struct err *e = config_parse(config, buf_text(&data), data.len, "config");
    if (e)
        return find(v, e, d, where);
    v->seen[number].sound = true;
    *out = good;
    return NULL;
}

static struct err *check_layers(struct verify *v, const struct manifest *m, const struct config *config,
                                const char *name, struct verify_state *out)
{
    bool paired = config && config->diff_id_count == m->layers.count;

    for (size_t i = 0; i < m->layers.count; i++) {
        const struct desc *d = &m->layers.item[i];
        AUTO(mem_free) char *where = mem_printf("layer %zu of %s", i + 1, name);
        struct verify_state one = good;
        bool here = true;
        if (mediatype_is_foreign(d->media_type))
            TRY(store_has(v->store, d, &here));
        if (!here)
            continue;
        TRY(verify_blob(v, d, paired ? &config->diff_ids[i] : NULL, where, &one));
        join(out, one);
    }
    return NULL;
}

static struct err *check_manifest(struct verify *v, const struct desc *d, const struct manifest *m,
                                  const char *name, struct verify_state *out)
{
    AUTO_VALUE(config_wipe) struct config config = {0};
    AUTO(mem_free) char *where = mem_printf("config of %s", name);
    bool image = mediatype_kind_of(m->config.media_type) == MEDIATYPE_CONFIG;
    struct verify_state one = good;
    char text[DIGEST_TEXT];

    if (image)
        TRY(check_config(v, &m->config, where, &config, &one));
    else if (m->config.media_type)
        TRY(verify_blob(v, &m->config, NULL, where, &one));
    join(out, one);
    bool known = image && one.sound;
    if (known && config.diff_id_count != m->layers.count) {
        verify_say(v, VERIFY_BROKEN, "%s: %s has %zu layers, but its config has %zu diff IDs",
                   digest_text(&d->digest, text), name, m->layers.count, config.diff_id_count);
        *out = bad;
    }
    return check_layers(v, m, known ? &config : NULL, name, out);
}

static struct err *check_node(struct verify *v, const struct desc *d, const char *name, unsigned depth,
                              struct verify_state *out);

static struct err *check_children(struct verify *v, const struct manifest *m, const char *name,
                                  unsigned depth, struct verify_state *out)
{
    for (size_t i = 0; i < m->manifests.count; i++) {
        const struct desc *child = &m->manifests.item[i];
        char text[DIGEST_SHORT];
        AUTO(mem_free) char *below = mem_printf("%s of %s", digest_short(&child->digest, text), name);
        struct verify_state one = good;
        TRY(check_node(v, child, below, depth + 1, &one));
        join(out, one);
    }
    return NULL;
}

static struct err *check_document(struct verify *v, const struct desc *d, const char *name, unsigned depth,
                                  size_t number, struct verify_state *out)
{
    AUTO_VALUE(buf_wipe) struct buf data = BUF(MANIFEST_SIZE_MAX);
    AUTO_VALUE(manifest_wipe) struct manifest m = {0};

    *out = bad;
    TRY(read_document(v, d, name, number, &data));
    if (data.len == 0 && d->size > 0)
        return NULL;
    struct err *e = manifest_parse(&m, buf_text(&data), data.len, d->media_type, "manifest");
    if (e)
        return find(v, e, d, name);
    *out = good;
    TRY(check_manifest(v, d, &m, name, out));
    return check_children(v, &m, name, depth, out);
}

static struct err *check_node(struct verify *v, const struct desc *d, const char *name, unsigned depth,
                              struct verify_state *out)
{
    size_t number;

    TRY(stop_check());
    if (depth > DEPTH_MAX)
        return err_new(ERR_RESOURCE, "%s: indexes are nested deeper than %d levels", name, DEPTH_MAX);
    if (!mediatype_is_manifest(d->media_type))
        return verify_blob(v, d, NULL, name, out);
    if (!enter(v, d, &number))
        return check_again(v, d, name, number, out);
    TRY(check_document(v, d, name, depth, number, out));
    v->seen[number].sound = out->sound;
    v->seen[number].mends = out->mends;
    return NULL;
}

struct err *verify_image(struct verify *v, const struct desc *root, const char *name)
{
    struct verify_state ignored;
    return check_node(v, root, name, 1, &ignored);
}
