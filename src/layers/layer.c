/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/layer.h"

#include "base/io.h"
#include "image/layout.h"
#include "image/mediatype.h"
#include "layers/pipeline.h"
#include "layers/tarwalk.h"

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

static struct err *put_entry(void *pipeline, const char *name, const struct buf *headers,
                             const struct node *content)
{
    return pipeline_entry(pipeline, name, headers, content);
}

static struct err *write_bytes(struct sink *blob, struct tree *t, const struct layer_options *options,
                               struct digest *diff_id)
{
    const struct pipeline_options how = {
        .compression = options->compression, .level = options->level, .workers = options->workers};
    AUTO(pipeline_free) struct pipeline *p = NULL;

    TRY(pipeline_new(&p, blob, &how));
    const struct tarwalk walk = {.entry = put_entry, .ctx = p};
    return pipeline_end(p, tarwalk_tree(t, &walk), diff_id);
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
