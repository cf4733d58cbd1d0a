/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/build.h"

#include "base/fs.h"
#include "builder/unpack.h"

#include <fcntl.h>

struct err *build_files(struct tree **out, struct store *store, const struct desclist *layers,
                        const struct config *config, const char *cache, struct spool *spool)
{
    AUTO(tree_free) struct tree *files = tree_new();
    AUTO(fd_close) int cache_dir = -1;
    if (cache)
        TRY(fs_mkdir_open(&cache_dir, AT_FDCWD, cache));
    for (size_t i = 0; i < layers->count; i++) {
        AUTO(tree_free) struct tree *layer = NULL;
        TRY(layer_index(&layer, store, &layers->item[i], &config->diff_ids[i], cache_dir));
        TRY(tree_apply(files, layer, (uint32_t)i));
    }
    struct layer_stack stack = {
        .store = store, .layers = layers->item, .diff_ids = config->diff_ids, .count = layers->count};
    TRY(unpack_contents(files, &stack, spool));
    *out = TAKE(files);
    return NULL;
}
