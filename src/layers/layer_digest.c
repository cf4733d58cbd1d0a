/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/mem.h"
#include "layers/layer.h"
#include "layers/pipeline.h"
#include "layers/tarwalk.h"

static struct err *put_entry(void *pipeline, const struct tar_entry *entry, const struct buf *headers,
                             const struct node *content)
{
    return pipeline_entry(pipeline, entry, headers, content);
}

static struct err *digest(struct tree *t, const struct layer_options *options, struct memo *old,
                          struct memo *made, struct digest *diff_id, bool *unchanged)
{
    const struct pipeline_options how = {
        .compression = COMPRESSION_NONE,
        .workers = options->workers,
        .digest_only = true,
        .old = old,
        .old_blob = -1,
        .made = made,
        .now_ns = clock_unix_ns(),
    };
    AUTO(pipeline_free) struct pipeline *p = NULL;

    TRY(pipeline_new(&p, &how));
    const struct tarwalk walk = {.entry = put_entry, .ctx = p};
    return pipeline_end(p, tarwalk_tree(t, &walk), diff_id, unchanged);
}

struct err *layer_digest(struct tree *t, const struct layer_options *options, struct digest *diff_id)
{
    AUTO_VALUE(memo_wipe) struct memo old = {0}, made = {0};
    bool found = false, unchanged = false, useful = false;

    if (!options->about)
        return digest(t, options, NULL, NULL, diff_id, &unchanged);
    AUTO(mem_free) char *about = mem_printf("tar/1\n%s\ndigest\n%s", CHUNK_ID, options->about);
    if (!options->fresh)
        memo_load(&old, options->cache_dir, about, &found);
    TRY(digest(t, options, found ? &old : NULL, &made, diff_id, &unchanged));
    for (size_t i = 0; i < made.count && !useful; i++)
        useful = memo_has_key(&made.chunk[i]);
    if (unchanged || !useful)
        return NULL;
    made.diff_id = *diff_id;
    for (size_t i = 0; i < made.count; i++)
        made.size += made.chunk[i].packed_len;
    memo_save(&made, options->cache_dir, about);
    return NULL;
}
