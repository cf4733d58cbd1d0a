/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/layer.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "image/layout.h"
#include "image/mediatype.h"
#include "layers/chunk.h"
#include "layers/estargz.h"
#include "layers/memo.h"
#include "layers/pipeline.h"
#include "layers/tarwalk.h"

#include <inttypes.h>

static const char *media_type_of(enum mediatype_compression how)
{
    switch (how) {
    case COMPRESSION_GZIP:
        return MEDIATYPE_OCI_LAYER_GZIP;
    case COMPRESSION_ZSTD:
        return MEDIATYPE_OCI_LAYER_ZSTD;
    case COMPRESSION_NONE:
    case COMPRESSION_UNKNOWN:
        break;
    }
    return MEDIATYPE_OCI_LAYER;
}

/* One try at a layer. */
struct writing {
    struct store *layout;
    struct tree *tree;
    const struct layer_options *options;
    int64_t now_ns;
    struct memo *old; /* NULL: none */
    int old_blob;
    struct memo *made; /* NULL: not wanted */
    struct sink *blob; /* NULL until there is something to write */
    struct digest diff_id;
    bool unchanged; /* the result is what `old` is about */
    bool known;     /* the layout had it */
    bool stale;     /* of an error: the fault is in what `old` is about */
};

static struct err *open_blob(void *ctx, struct sink **to)
{
    struct writing *w = ctx;

    TRY(layout_blob_new(w->layout, &w->blob));
    *to = w->blob;
    return NULL;
}

static struct err *put_entry(void *pipeline, const struct tar_entry *entry, const struct buf *headers,
                             const struct node *content)
{
    return pipeline_entry(pipeline, entry, headers, content);
}

static struct err *write_bytes(struct writing *w)
{
    const struct pipeline_options how = {
        .compression = w->options->compression,
        .level = w->options->level,
        .workers = w->options->workers,
        .open = open_blob,
        .ctx = w,
        .old = w->old,
        .old_blob = w->old_blob,
        .made = w->made,
        .now_ns = w->now_ns,
    };
    AUTO(pipeline_free) struct pipeline *p = NULL;

    TRY(pipeline_new(&p, &how));
    const struct tarwalk walk = {.entry = put_entry, .ctx = p};
    struct err *e = pipeline_end(p, tarwalk_tree(w->tree, &walk), &w->diff_id, &w->unchanged);
    w->stale = e && pipeline_is_stale(p);
    return e;
}

static struct err *write_blob(struct writing *w, struct desc *blob)
{
    struct digest none = {0};
    struct err *e = write_bytes(w);

    if (!e && w->unchanged) {
        desc_set(blob, media_type_of(w->options->compression), &w->old->blob, w->old->size);
        w->known = true;
    } else if (!e) {
        desc_set(blob, media_type_of(w->options->compression), &none, 0);
        e = layout_blob_done(w->layout, w->blob, blob);
        w->known = !e && layout_blob_was_there(w->blob);
    }
    sink_free(TAKE(w->blob));
    return e;
}

static struct err *put_lazy_entry(void *estargz, const struct tar_entry *entry, const struct buf *headers,
                                  const struct node *content)
{
    return estargz_entry(estargz, entry, headers, content);
}

static void annotate(struct desc *blob, const struct estargz_result *result)
{
    AUTO(mem_free) char *size = mem_printf("%" PRIu64, result->size);
    char text[DIGEST_TEXT];

    strmap_set(&blob->annotations, ESTARGZ_TOC_DIGEST, digest_text(&result->toc, text));
    strmap_set(&blob->annotations, ESTARGZ_PLAIN_SIZE, size);
}

static struct err *write_lazy(struct writing *w, struct desc *blob)
{
    AUTO(sink_free) struct sink *to = NULL;
    AUTO(estargz_free) struct estargz *z = NULL;
    AUTO(fd_close) int temp = -1;
    struct estargz_result result;
    struct digest none = {0};

    TRY(layout_blob_new(w->layout, &to));
    TRY(layout_temp(w->layout, &temp));
    TRY(estargz_new(&z, to, fd_take(&temp), w->options->level, w->options->workers));
    const struct tarwalk walk = {.entry = put_lazy_entry, .ctx = z, .skip = estargz_skip};
    TRY(estargz_end(z, tarwalk_tree(w->tree, &walk), &result));
    desc_set(blob, MEDIATYPE_OCI_LAYER_GZIP, &none, 0);
    TRY(layout_blob_done(w->layout, to, blob));
    w->known = layout_blob_was_there(to);
    annotate(blob, &result);
    w->diff_id = result.diff_id;
    return NULL;
}

/* The memo of the layer as it was, if its blob is still there. */
static struct err *recall(struct writing *w, const char *about, struct memo *old)
{
    AUTO_VALUE(desc_wipe) struct desc d = {0};
    bool found = false;

    if (!w->options->fresh)
        memo_load(old, w->options->cache_dir, about, &found);
    if (!found)
        return NULL;
    desc_set(&d, media_type_of(w->options->compression), &old->blob, old->size);
    TRY(layout_blob_open(w->layout, &d, &w->old_blob));
    if (w->old_blob >= 0)
        w->old = old;
    return NULL;
}

static void remember(const struct writing *w, const char *about, const struct desc *blob)
{
    bool useful = false;

    for (size_t i = 0; i < w->made->count && !useful; i++)
        useful = memo_has_key(&w->made->chunk[i]);
    if (!useful)
        return;
    w->made->diff_id = w->diff_id;
    w->made->blob = blob->digest;
    w->made->size = blob->size;
    memo_save(w->made, w->options->cache_dir, about);
}

static struct err *write_remembered(struct writing *w, struct desc *blob)
{
    AUTO(mem_free) char *id = compress_id(w->options->compression, w->options->level);
    AUTO(mem_free) char *about = mem_printf("tar/1\n%s\n%s\n%s", CHUNK_ID, id, w->options->about);
    AUTO_VALUE(memo_wipe) struct memo old = {0}, made = {0};
    AUTO(fd_close) int old_blob = -1;

    /* Only for this call: `w` is the caller's and is not looked at after it. */
    w->made = &made; /* cppcheck-suppress autoVariables */
    TRY(recall(w, about, &old));
    old_blob = w->old_blob;
    struct err *e = write_blob(w, blob);
    if (e && w->stale) {
        log_debug("layer: %s: it is written anew", err_message(e));
        err_free(e);
        memo_remove(w->options->cache_dir, about);
        memo_wipe(&made);
        w->old = NULL;
        e = write_blob(w, blob);
    }
    TRY(e);
    if (!w->unchanged)
        remember(w, about, blob);
    return NULL;
}

struct err *layer_write(struct store *layout, struct tree *t, const struct layer_options *options,
                        struct desc *blob, struct digest *diff_id)
{
    struct writing w = {
        .layout = layout, .tree = t, .options = options, .now_ns = clock_unix_ns(), .old_blob = -1};

    if (options->estargz)
        TRY(write_lazy(&w, blob));
    else
        TRY(options->about ? write_remembered(&w, blob) : write_blob(&w, blob));
    *diff_id = w.diff_id;
    if (options->known)
        *options->known = w.known;
    return NULL;
}
