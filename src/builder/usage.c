/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/usage.h"

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "builder/base.h"
#include "builder/listings.h"
#include "builder/run_caches_prune.h"
#include "builder/run_mounts.h"
#include "builder/stepcache.h"
#include "image/layout.h"
#include "layers/indexfile.h"
#include "layers/memo.h"
#include "layers/unpacked.h"
#include "registry/journal.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static const struct {
    const char *name, *type;
} kinds[USAGE_KINDS] = {
    [USAGE_INDEX] = {INDEXFILE_FOLDER, "regular"},
    [USAGE_LAYERS] = {MEMO_FOLDER, "source.local"},
    [USAGE_STEPS] = {STEPCACHE_FOLDER, "regular"},
    [USAGE_LISTINGS] = {LISTINGS_FOLDER, "source.local"},
    [USAGE_UNPACKED] = {UNPACKED_FOLDER, "regular"},
    [USAGE_MOUNTS] = {RUN_MOUNTS_FOLDER, "exec.cachemount"},
    [USAGE_BASES] = {BASE_FOLDER, "internal"},
    [USAGE_UPLOADS] = {JOURNAL_FOLDER, "internal"},
    [USAGE_BLOBS] = {"blobs", "blobs"},
};

const char *usage_kind_name(enum usage_kind kind)
{
    return kinds[kind].name;
}

const char *usage_kind_type(enum usage_kind kind)
{
    return kinds[kind].type;
}

bool usage_has_folder(int cache, enum usage_kind kind)
{
    struct stat st;
    return fstatat(cache, kinds[kind].name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

struct usage_entry *usage_add(struct usage *u, enum usage_kind kind, char *id_take)
{
    MEM_PUSH(u->item, u->count, u->room, (struct usage_entry){.kind = kind, .id = id_take});
    return &u->item[u->count - 1];
}

void usage_wipe(struct usage *u)
{
    for (size_t i = 0; i < u->count; i++) {
        mem_free(u->item[i].id);
        mem_free(u->item[i].layer);
        mem_free(u->item[i].about);
        strlist_wipe(&u->item[i].blobs);
    }
    mem_free(u->item);
    *u = (struct usage){0};
}

uint64_t usage_cache_bytes(const struct usage *u)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < u->count; i++)
        bytes += u->item[i].kind == USAGE_BLOBS ? 0 : u->item[i].bytes;
    return bytes;
}

/* "ours-sha256-ab12…" is of "sha256:ab12…" */
static char *layer_of(const char *name)
{
    const char *digest = strchr(name, '-');
    char *text = digest ? mem_strdup(digest + 1) : NULL;
    char *between = text ? strchr(text, '-') : NULL;
    if (between)
        *between = ':';
    return text;
}

static struct err *read_unpacked(struct usage *u, int cache)
{
    AUTO_VALUE(unpacked_list_wipe) struct unpacked_list list = {0};
    TRY(unpacked_entries(&list, cache));
    for (size_t i = 0; i < list.count; i++) {
        const struct unpacked_entry *from = &list.item[i];
        struct usage_entry *e = usage_add(u, USAGE_UNPACKED, path_join(UNPACKED_FOLDER, from->name));
        e->bytes = from->bytes;
        e->used = from->used;
        e->in_use = from->in_use;
        e->useless = !from->useful;
        e->layer = str_starts(from->name, FS_NEW_PREFIX) ? NULL : layer_of(from->name);
    }
    return NULL;
}

static struct err *read_mounts(struct usage *u, int cache)
{
    AUTO_VALUE(run_caches_list_wipe) struct run_caches_list list = {0};
    TRY(run_caches_entries(&list, cache));
    for (size_t i = 0; i < list.count; i++) {
        const struct run_caches_entry *from = &list.item[i];
        struct usage_entry *e = usage_add(u, USAGE_MOUNTS, path_join(RUN_MOUNTS_FOLDER, from->name));
        e->bytes = from->bytes;
        e->used = from->used;
        e->in_use = from->in_use;
        e->unfinished = from->unfinished;
    }
    return NULL;
}

static struct err *read_bases(struct usage *u, const char *cache)
{
    AUTO(mem_free) char *path = path_join(cache, BASE_FOLDER);
    AUTO(store_free) struct store *layout = NULL;
    AUTO_VALUE(layout_files_wipe) struct layout_files files = {0};
    struct stat st;
    bool busy = layout_is_busy(path);
    AUTO(err_free) struct err *absent = layout_open(&layout, path, LAYOUT_READ);
    if (absent)
        return err_kind_of(absent) == ERR_STOPPED ? TAKE(absent) : NULL;
    TRY(layout_files(layout, &files));
    struct usage_entry *e = usage_add(u, USAGE_BASES, mem_strdup(BASE_FOLDER));
    AUTO(mem_free) char *index = path_join(path, "index.json");
    if (stat(index, &st) == 0) {
        e->used = st.st_mtim;
        e->bytes = (uint64_t)st.st_size;
    }
    for (size_t i = 0; i < files.count; i++)
        e->bytes += files.item[i].size;
    e->in_use = busy;
    return NULL;
}

static struct err *read_cache(struct usage *out, const char *path, struct store *layout)
{
    AUTO(fd_close) int cache = -1;
    TRY(fs_open(&cache, AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0));
    TRY(usage_read_files(out, cache));
    TRY(usage_read_steps(out, cache, layout));
    if (usage_has_folder(cache, USAGE_UNPACKED))
        TRY(read_unpacked(out, cache));
    if (usage_has_folder(cache, USAGE_MOUNTS))
        TRY(read_mounts(out, cache));
    return usage_has_folder(cache, USAGE_BASES) ? read_bases(out, path) : NULL;
}

struct err *usage_read(struct usage *out, const char *cache, struct store *layout, bool blobs)
{
    if (cache)
        TRY(read_cache(out, cache, layout));
    return blobs && layout ? usage_read_blobs(out, layout) : NULL;
}
