/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"
#include "base/mem.h"
#include "base/newfile.h"
#include "builder/base.h"
#include "builder/run_caches_prune.h"
#include "builder/usage.h"
#include "image/layout.h"
#include "layers/unpacked.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* The file or directory in its folder. */
static const char *name_of(const struct usage_entry *e)
{
    const char *slash = strchr(e->id, '/');
    return slash ? slash + 1 : e->id;
}

/* Somebody may have begun to use it. */
static struct err *remove_upload(int cache, const struct usage_entry *e, uint64_t *freed)
{
    AUTO(fd_close) int fd = -1;
    bool got = false;
    AUTO(err_free) struct err *gone = fs_open_no_links(&fd, cache, e->id, O_RDONLY | O_NONBLOCK, 0);
    if (gone)
        return NULL;
    TRY(fs_lock(fd, true, false, &got));
    if (got && unlinkat(cache, e->id, 0) == 0)
        *freed = e->bytes;
    return NULL;
}

static struct err *remove_file(int cache, const struct usage_entry *e, uint64_t *freed)
{
    if (unlinkat(cache, e->id, 0) == 0)
        *freed = e->bytes;
    else if (errno != ENOENT)
        return err_sys("remove %s", e->id);
    return NULL;
}

static struct err *remove_one(const struct usage_entry *e, const char *path, int cache, struct store *layout,
                              uint64_t *freed)
{
    bool removed = false;
    struct digest d;
    switch (e->kind) {
    case USAGE_UNPACKED:
        TRY(unpacked_drop(cache, name_of(e), &removed));
        *freed = removed ? e->bytes : 0;
        return NULL;
    case USAGE_MOUNTS:
        return run_caches_drop(cache, name_of(e), e->chosen, freed);
    case USAGE_BASES:
        return base_forget(path, freed);
    case USAGE_UPLOADS:
        return remove_upload(cache, e, freed);
    case USAGE_BLOBS:
        if (!layout)
            return NULL;
        TRY(digest_parse(&d, e->id));
        *freed = e->bytes;
        return layout_drop_blob(layout, &d);
    case USAGE_INDEX:
    case USAGE_LAYERS:
    case USAGE_STEPS:
    case USAGE_LISTINGS:
        break;
    }
    return remove_file(cache, e, freed);
}

/* What killed processes left. */
static void sweep(int cache)
{
    for (size_t i = 0; i < USAGE_UNPACKED; i++) {
        AUTO(fd_close) int folder = -1;
        if (!usage_has_folder(cache, (enum usage_kind)i))
            continue;
        AUTO(err_free)
        struct err *absent =
            fs_open(&folder, cache, usage_kind_name((enum usage_kind)i), O_RDONLY | O_DIRECTORY, 0);
        if (!absent)
            newfile_sweep(folder);
    }
}

struct err *usage_remove(const struct usage *u, const char *cache, struct store *layout, uint64_t *freed)
{
    AUTO(fd_close) int dir = -1;
    AUTO(err_free) struct err *first = NULL;
    *freed = 0;
    TRY(fs_open(&dir, AT_FDCWD, cache, O_RDONLY | O_DIRECTORY, 0));
    sweep(dir);
    for (size_t i = 0; i < u->count; i++) {
        const struct usage_entry *entry = &u->item[i];
        uint64_t bytes = 0;
        if (!entry->chosen && !(entry->unfinished && entry->picked))
            continue;
        struct err *e = remove_one(entry, cache, dir, layout, &bytes);
        *freed += bytes;
        if (first)
            err_free(e);
        else
            first = e;
        if (first && err_kind_of(first) == ERR_STOPPED)
            break;
    }
    return TAKE(first);
}
