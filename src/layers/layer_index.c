/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/layer.h"

#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/newfile.h"
#include "base/trim.h"
#include "layers/indexfile.h"
#include "layers/layer_read.h"

#include <unistd.h>

#define CACHE_MODE 0600

/* The cache costs time only: nothing about it is worth failing for. */
static void shrug(struct err *e)
{
    if (e)
        log_debug("layer index cache: %s", err_message(e));
    err_free(e);
}

static char *entry_name(const struct desc *blob)
{
    char hex[DIGEST_TEXT];
    return mem_printf("%s-%s", digest_alg_name(&blob->digest), digest_hex(&blob->digest, hex));
}

static struct err *load(struct tree **out, int folder, const char *name, const struct desc *blob,
                        const struct digest *diff_id)
{
    AUTO_VALUE(buf_wipe) struct buf data = BUF(INDEXFILE_MAX);
    AUTO(tree_free) struct tree *tree = NULL;
    struct indexfile head;
    bool found = false;

    TRY(fs_read_file(&data, folder, name, &found));
    if (!found)
        return NULL;
    TRY(indexfile_read(&head, &tree, buf_text(&data), data.len));
    if (!digest_equal(&head.blob, &blob->digest))
        return err_new(ERR_INPUT, "%s is the index of another layer", name);
    /* Either config may be the one that lies: only the blob can tell. */
    if (diff_id && digest_is_set(diff_id) && !digest_equal(&head.diff_id, diff_id))
        return NULL;
    trim_mark_used(folder, name);
    *out = TAKE(tree);
    return NULL;
}

static struct err *save(int folder, const char *name, const struct indexfile *head, struct tree *t)
{
    AUTO_VALUE(buf_wipe) struct buf data = BUF(INDEXFILE_MAX);

    indexfile_write(&data, head, t);
    TRY(buf_check(&data, name));
    TRY(newfile_write(folder, name, CACHE_MODE, buf_text(&data), data.len, false));
    return trim_below(folder, ".", INDEXFILE_TOTAL_MAX);
}

/* *out stays NULL when it is not kept; what is damaged is removed. *folder -1: nothing can be kept. */
static void load_kept(struct tree **out, int *folder, const char *name, const struct desc *blob,
                      const struct digest *diff_id, int cache_dir)
{
    if (cache_dir >= 0)
        shrug(fs_mkdir_open(folder, cache_dir, INDEXFILE_FOLDER));
    if (*folder < 0)
        return;
    struct err *damaged = load(out, *folder, name, blob, diff_id);
    if (damaged)
        (void)unlinkat(*folder, name, 0);
    shrug(damaged);
}

struct tree *layer_index_kept(const struct desc *blob, const struct digest *diff_id, int cache_dir)
{
    AUTO(fd_close) int folder = -1;
    AUTO(mem_free) char *name = entry_name(blob);
    struct tree *tree = NULL;

    load_kept(&tree, &folder, name, blob, diff_id, cache_dir);
    return tree;
}

struct err *layer_index(struct tree **out, struct store *from, const struct desc *blob,
                        const struct digest *diff_id, int cache_dir)
{
    AUTO(fd_close) int folder = -1;
    AUTO(tree_free) struct tree *tree = NULL;
    AUTO(mem_free) char *name = entry_name(blob);

    load_kept(&tree, &folder, name, blob, diff_id, cache_dir);
    if (!tree) {
        const struct tarread_options options = {.layer = true, .keep_accounts = true};
        struct indexfile head = {.blob = blob->digest};
        TRY(layer_read(&tree, from, blob, diff_id, &options, &head.diff_id));
        if (folder >= 0)
            shrug(save(folder, name, &head, tree));
    }
    *out = TAKE(tree);
    return NULL;
}
