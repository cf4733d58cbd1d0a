/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "layers/unpacked_inner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct entry {
    char *name;
    uint64_t bytes;
    struct timespec used;
    bool ours; /* of this boot: of use */
};
struct entries {
    struct entry *item;
    size_t count, room;
    uint64_t bytes;
};

static void entries_wipe(struct entries *e)
{
    for (size_t i = 0; i < e->count; i++)
        mem_free(e->item[i].name);
    mem_free(e->item);
}

static void closedir_auto(DIR **dir)
{
    if (*dir)
        closedir(*dir);
}

static struct err *add(struct entries *out, int folder, const char *name)
{
    struct entry found = {0};
    AUTO(fd_close) int fd = -1;
    struct stat st;

    AUTO(err_free) struct err *e = fs_open(&fd, folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    if (e)
        return NULL; /* gone, or nothing of ours */
    AUTO(err_free) struct err *damaged = unpacked_boot_read(fd, &found.ours, &found.bytes);
    if (fstatat(fd, UNPACKED_BOOT, &st, AT_SYMLINK_NOFOLLOW) == 0)
        found.used = st.st_mtim;
    if (damaged || str_starts(name, FS_NEW_PREFIX))
        found.ours = false;
    found.name = mem_strdup(name);
    MEM_PUSH(out->item, out->count, out->room, found);
    if (found.ours)
        out->bytes += found.bytes;
    return NULL;
}

static struct err *list(struct entries *out, int folder)
{
    AUTO(fd_close) int fd = -1;
    const struct dirent *entry;

    TRY(fs_open(&fd, folder, ".", O_RDONLY | O_DIRECTORY, 0));
    AUTO(closedir) DIR *stream = fdopendir(fd);
    if (!stream)
        return err_sys("read the directory of unpacked layers");
    (void)fd_take(&fd);
    while ((entry = readdir(stream)))
        if (!str_eq(entry->d_name, ".") && !str_eq(entry->d_name, ".."))
            TRY(add(out, folder, entry->d_name));
    return NULL;
}

/* What is of no use first, then the longest unused. */
static int by_worth(const void *a, const void *b)
{
    const struct entry *left = a, *right = b;

    if (left->ours != right->ours)
        return left->ours ? 1 : -1;
    if (left->used.tv_sec != right->used.tv_sec)
        return left->used.tv_sec < right->used.tv_sec ? -1 : 1;
    if (left->used.tv_nsec != right->used.tv_nsec)
        return left->used.tv_nsec < right->used.tv_nsec ? -1 : 1;
    return strcmp(left->name, right->name);
}

/* *removed is false when somebody uses it. */
static struct err *remove_unused(int folder, const struct entry *entry, bool *removed)
{
    AUTO(fd_close) int fd = -1;
    bool got = false;

    *removed = false;
    struct err *e = fs_open(&fd, folder, entry->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    if (e && err_kind_of(e) == ERR_NOT_FOUND) {
        err_free(e);
        return NULL;
    }
    TRY(e);
    TRY(fs_lock(fd, true, false, &got));
    if (!got)
        return NULL;
    *removed = true;
    return unpacked_remove(folder, entry->name);
}

struct err *unpacked_prune(int cache_dir, uint64_t keep, uint64_t *freed)
{
    AUTO(fd_close) int folder = -1;
    AUTO_VALUE(entries_wipe) struct entries all = {0};
    uint64_t left;

    if (freed)
        *freed = 0;
    struct err *absent = fs_open(&folder, cache_dir, UNPACKED_FOLDER, O_RDONLY | O_DIRECTORY, 0);
    if (absent && err_kind_of(absent) == ERR_NOT_FOUND) {
        err_free(absent);
        return NULL;
    }
    TRY(absent);
    TRY(list(&all, folder));
    left = all.bytes;
    if (all.count > 1)
        qsort(all.item, all.count, sizeof *all.item, by_worth);
    for (size_t i = 0; i < all.count && (!all.item[i].ours || left > keep); i++) {
        bool removed;
        TRY(remove_unused(folder, &all.item[i], &removed));
        if (!removed)
            continue;
        if (all.item[i].ours)
            left -= all.item[i].bytes;
        if (freed)
            *freed += all.item[i].bytes;
    }
    return NULL;
}
