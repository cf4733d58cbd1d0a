/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/run_plain.h"

#include "base/fs.h"
#include "layers/clone.h"
#include "layers/scan.h"

#include <fcntl.h>

static bool owners_are_real(struct sandbox_way way)
{
    return way.ids != SANDBOX_SINGLE && way.ids != SANDBOX_FAKE;
}

static struct err *copy_layers(const struct rootfs *root)
{
    const struct clone_options options = {.overlay = true, .owners = owners_are_real(root->way)};
    for (size_t i = 0; i < root->lower.count; i++) {
        AUTO(fd_close) int layer = -1;
        TRY(fs_open(&layer, AT_FDCWD, root->lower.item[i], O_RDONLY | O_DIRECTORY, 0));
        TRY(clone_dir(unpacking_dir(root->upper), layer, &options));
    }
    return NULL;
}

struct err *run_plain_begin(struct run_plain *out, struct builder *b, const struct rootfs *root)
{
    builder_unlock(b);
    struct err *e = copy_layers(root);
    if (!e)
        e = scan_take(&out->before, unpacking_dir(root->upper));
    builder_lock(b);
    return err_wrap(e, "copy the files of the stage");
}

struct err *run_plain_layer(struct tree **layer, struct run_plain *p, struct builder *b,
                            const struct rootfs *root, const struct owner_list *owners)
{
    bool real = root->way.ids == SANDBOX_HOST || root->way.ids == SANDBOX_CHROOT;
    const struct scan_options options = {
        .owners_before = real ? NULL : &root->owners,
        .owners_after = real ? NULL : owners,
        .keep_times = b->options->time == BUILD_TIME_REAL,
        .epoch = b->epoch,
    };
    builder_unlock(b);
    struct err *e = scan_take(&p->after, unpacking_dir(root->upper));
    if (!e)
        e = scan_compare(layer, p->before, p->after, &options);
    builder_lock(b);
    return e;
}

struct err *run_plain_keep(struct builder *b, struct part *part)
{
    struct unpacked *files = NULL;
    TRY(rootfs_unpack(b, part, &files));
    tree_free(part->tree);
    part->tree = unpacked_tree(files);
    part->tree_of_unpacked = true;
    return NULL;
}

void run_plain_wipe(struct run_plain *p)
{
    tree_free(p->before);
    tree_free(p->after);
}
