/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/dir.h"
#include "base/mem.h"
#include "base/str.h"
#include "layers/cachelimit.h"
#include "layers/unpacked_inner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Unpacked layers alone may take as much as the whole cache, and no more than this when nobody says how much
 * that is. */
#define LIMIT_BYTES (UINT64_C(20) << 30)
/* Looking how much there is costs as much as a small step: not after each. */
#define TRIM_STAMP "trimmed"
#define TRIM_SECONDS 60
#define TRIM_BYTES (UINT64_C(64) << 20)

void unpacked_list_wipe(struct unpacked_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        mem_free(list->item[i].name);
    mem_free(list->item);
}

static struct err *add(struct unpacked_list *out, int folder, const char *name, const char *boot)
{
    struct unpacked_entry found = {0};
    AUTO(fd_close) int fd = -1;
    struct stat st;
    bool unused = false;

    AUTO(err_free) struct err *e = fs_open(&fd, folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    if (e)
        return NULL; /* gone, or nothing of ours */
    AUTO(err_free) struct err *damaged = unpacked_boot_read(fd, boot, &found.useful, &found.bytes);
    if (fstatat(fd, UNPACKED_BOOT, &st, AT_SYMLINK_NOFOLLOW) == 0)
        found.used = st.st_mtim;
    if (damaged || str_starts(name, FS_NEW_PREFIX))
        found.useful = false;
    TRY(fs_lock(fd, true, false, &unused));
    found.in_use = !unused;
    found.name = mem_strdup(name);
    MEM_PUSH(out->item, out->count, out->room, found);
    return NULL;
}

static struct err *list(struct unpacked_list *out, int folder)
{
    AUTO(fd_close) int fd = -1;
    AUTO(mem_free) char *boot = unpacked_this_boot();
    const struct dirent *entry;

    TRY(fs_open(&fd, folder, ".", O_RDONLY | O_DIRECTORY, 0));
    AUTO(closedir) DIR *stream = dir_take(fd_take(&fd));
    if (!stream)
        return err_sys("read the directory of unpacked layers");
    while ((entry = readdir(stream)))
        if (!str_eq(entry->d_name, ".") && !str_eq(entry->d_name, ".."))
            TRY(add(out, folder, entry->d_name, boot));
    return NULL;
}

/* What is of no use first, then the longest unused. */
static int by_worth(const void *a, const void *b)
{
    const struct unpacked_entry *left = a, *right = b;

    if (left->useful != right->useful)
        return left->useful ? 1 : -1;
    if (left->used.tv_sec != right->used.tv_sec)
        return left->used.tv_sec < right->used.tv_sec ? -1 : 1;
    if (left->used.tv_nsec != right->used.tv_nsec)
        return left->used.tv_nsec < right->used.tv_nsec ? -1 : 1;
    return strcmp(left->name, right->name);
}

static struct err *open_folder(int *out, int cache_dir)
{
    struct err *absent = fs_open(out, cache_dir, UNPACKED_FOLDER, O_RDONLY | O_DIRECTORY, 0);
    if (!absent || err_kind_of(absent) != ERR_NOT_FOUND)
        return absent;
    err_free(absent);
    *out = -1;
    return NULL;
}

static struct err *remove_unused(int folder, const char *name, bool *removed)
{
    AUTO(fd_close) int fd = -1;
    bool got = false;

    struct err *e = fs_open(&fd, folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    if (e && err_kind_of(e) == ERR_NOT_FOUND) {
        err_free(e);
        return NULL;
    }
    TRY(e);
    TRY(fs_lock(fd, true, false, &got));
    if (!got)
        return NULL;
    *removed = true;
    return unpacked_remove(folder, name);
}

struct err *unpacked_entries(struct unpacked_list *out, int cache_dir)
{
    AUTO(fd_close) int folder = -1;

    TRY(open_folder(&folder, cache_dir));
    if (folder < 0)
        return NULL;
    TRY(list(out, folder));
    if (out->count > 1)
        qsort(out->item, out->count, sizeof *out->item, by_worth);
    return NULL;
}

struct err *unpacked_drop(int cache_dir, const char *name, bool *removed)
{
    AUTO(fd_close) int folder = -1;

    *removed = false;
    TRY(open_folder(&folder, cache_dir));
    return folder < 0 ? NULL : remove_unused(folder, name, removed);
}

struct err *unpacked_prune(int cache_dir, uint64_t keep, uint64_t *freed)
{
    AUTO_VALUE(unpacked_list_wipe) struct unpacked_list all = {0};
    AUTO(err_free) struct err *first = NULL;
    uint64_t left = 0, gone = 0;

    TRY(unpacked_entries(&all, cache_dir));
    for (size_t i = 0; i < all.count; i++)
        left += all.item[i].useful ? all.item[i].bytes : 0;
    for (size_t i = 0; i < all.count && (!all.item[i].useful || left > keep); i++) {
        bool removed;
        struct err *e = unpacked_drop(cache_dir, all.item[i].name, &removed);
        /* One that cannot go does not keep the others. */
        if (first)
            err_free(e);
        else
            first = e;
        if (e || !removed)
            continue;
        if (all.item[i].useful)
            left -= all.item[i].bytes;
        gone += all.item[i].bytes;
    }
    if (freed)
        *freed = gone;
    return TAKE(first);
}

/* Has the time come again to look how much there is? */
static bool is_due(int folder, uint64_t bytes)
{
    struct stat st;
    bool known = fstatat(folder, TRIM_STAMP, &st, AT_SYMLINK_NOFOLLOW) == 0;

    if (known && bytes < TRIM_BYTES && clock_unix() - st.st_mtim.tv_sec < TRIM_SECONDS &&
        clock_unix() >= st.st_mtim.tv_sec)
        return false;
    AUTO(fd_close) int fd = openat(folder, TRIM_STAMP, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    return fd < 0 || futimens(fd, NULL) == 0;
}

struct err *unpacked_trim(int cache_dir, uint64_t bytes)
{
    AUTO(fd_close) int folder = -1;
    uint64_t keep = 0;

    TRY(unpacked_folder(&folder, cache_dir));
    if (!is_due(folder, bytes))
        return NULL;
    TRY(cachelimit_of(folder, &keep));
    return unpacked_prune(cache_dir, keep < LIMIT_BYTES || cachelimit_is_set() ? keep : LIMIT_BYTES, NULL);
}
