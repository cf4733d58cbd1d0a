/* SPDX-License-Identifier: Apache-2.0 */
#include "base/io.h"
#include "base/mem.h"
#include "base/stop.h"
#include "layers/layer_read.h"
#include "layers/unpacked_inner.h"

#include <fcntl.h>
#include <sys/stat.h>

struct making {
    struct unpack_writer writer;
    struct unpacking *u;
};

static void making_wipe(struct making *m)
{
    fd_close_auto(&m->writer.stage);
}

/* A layer's files go into a directory without any other name than their number while it is read: only at its
 * end is it certain what each name is. */
static struct err *take_file(void *ctx, uint32_t entry, struct node *n, struct source *bytes)
{
    const struct making *m = ctx;
    const struct unpack_writer *w = &m->writer;
    AUTO(fd_close) int fd = -1;
    char name[UNPACK_NAME];

    TRY(stop_check());
    n->content.entry = entry; /* of an empty file too */
    unpack_stage_name(name, entry);
    TRY(unpack_create(&fd, w->stage, name, n));
    for (;;) {
        const uint8_t *data;
        size_t len;
        TRY(source_peek(bytes, &data, &len));
        if (len == 0)
            return unpack_close(w, n, &fd);
        TRY(fd_write(fd, data, len, n->name));
        source_advance(bytes, len);
    }
}

static struct err *open_stage(int *out, const struct unpacking *u)
{
    TRY(fs_mkdir_all(u->dir, UNPACKED_STAGE));
    return fs_open(out, u->dir, UNPACKED_STAGE, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
}

/* What a first reading has left is not in the way of the second one. */
static struct err *begin(void *ctx)
{
    struct making *m = ctx;
    making_wipe(m);
    m->writer.stage = -1;
    TRY(fs_remove_tree(m->u->dir, UNPACKED_STAGE));
    return open_stage(&m->writer.stage, m->u);
}

struct err *unpacked_make(struct unpacked **out, int cache_dir, enum unpacked_kind kind, struct store *from,
                          const struct desc *blob, const struct digest *diff_id)
{
    AUTO(unpacking_free) struct unpacking *u = NULL;
    AUTO(tree_free) struct tree *tree = NULL;
    AUTO_VALUE(making_wipe)
    struct making m = {.writer = {.kind = kind, .packed = true, .stage = -1}};
    const struct tarread_options options = {.layer = true, .begin = begin, .file = take_file, .ctx = &m};
    struct digest found;
    char text[DIGEST_SHORT];

    TRY(unpacked_open(out, cache_dir, diff_id, kind));
    if (*out)
        return NULL;
    TRY(unpacking_new(&u, cache_dir, kind));
    m.u = u;
    TRY(layer_read(&tree, from, blob, diff_id, &options, &found));
    m.writer.tree = tree;
    TRY(err_wrap(unpack_tree(&m.writer, &u->fs), "unpack layer %s", digest_short(&blob->digest, text)));
    return unpacking_publish(out, u, tree, diff_id, &blob->digest);
}

struct err *unpacked_from_tree(struct unpacked **out, int cache_dir, enum unpacked_kind kind,
                               struct tree *layer, const struct digest *diff_id)
{
    AUTO(unpacking_free) struct unpacking *u = NULL;
    AUTO(fd_close) int stage = -1;
    struct unpack_writer w = {.kind = kind, .tree = layer};

    TRY(unpacked_open(out, cache_dir, diff_id, kind));
    if (*out)
        return NULL;
    TRY(unpacking_new(&u, cache_dir, kind));
    TRY(open_stage(&stage, u));
    w.stage = stage;
    TRY(unpack_tree(&w, &u->fs));
    return unpacking_publish(out, u, layer, diff_id, NULL);
}
