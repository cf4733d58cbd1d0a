/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/layer.h"

#include "base/io.h"
#include "base/mem.h"
#include "image/layout.h"
#include "image/mediatype.h"
#include "layers/tarwrite.h"

/* A sink of somebody else: what stands before it may be committed and freed without it. */
struct borrowed_sink {
    struct sink sink;
    struct sink *lender;
};

static struct err *borrowed_write(struct sink *s, const void *data, size_t len)
{
    return sink_write(((struct borrowed_sink *)s)->lender, data, len);
}

static struct err *borrowed_commit(struct sink *s)
{
    (void)s;
    return NULL;
}

static void borrowed_free(struct sink *s)
{
    mem_free(s);
}

static const struct sink_ops borrowed_ops = {
    .write = borrowed_write, .commit = borrowed_commit, .free = borrowed_free};

static struct sink *sink_borrow(struct sink *lender)
{
    struct borrowed_sink *b = mem_zero(1, sizeof *b);

    b->sink.ops = &borrowed_ops;
    b->lender = lender;
    return &b->sink;
}

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

/* tree → tar bytes → diff ID → compressor → blob, whose digest the layout makes. */
static struct err *write_bytes(struct sink *blob, struct tree *t, const struct layer_options *options,
                               struct digest *diff_id)
{
    AUTO(sink_free) struct sink *packed = NULL;

    TRY(compress_sink(&packed, sink_borrow(blob), options->compression, options->level));
    AUTO(sink_free) struct sink *tar = sink_digest(TAKE(packed), diff_id, NULL);
    TRY(tarwrite_tree(tar, t, NULL));
    return sink_commit(tar);
}

struct err *layer_write(struct store *layout, struct tree *t, const struct layer_options *options,
                        struct desc *blob, struct digest *diff_id)
{
    AUTO(sink_free) struct sink *to = NULL;
    struct digest tar_digest;
    struct digest none = {0};

    TRY(layout_blob_new(layout, &to));
    TRY(write_bytes(to, t, options, &tar_digest));
    desc_set(blob, media_type_of(options->compression), &none, 0);
    TRY(layout_blob_done(layout, to, blob));
    *diff_id = tar_digest;
    return NULL;
}
