/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/dir.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "layers/unpacked_inner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* Unpacked layers may take a tenth of their file system, and no more than this, by themselves. */
#define LIMIT_PART 10
#define LIMIT_BYTES (UINT64_C(20) << 30)
/* Looking how much there is costs as much as a small step: not after each. */
#define TRIM_STAMP "trimmed"
#define TRIM_SECONDS 60
#define TRIM_BYTES (UINT64_C(64) << 20)

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

static struct err *add(struct entries *out, int folder, const char *name, const char *boot)
{
    struct entry found = {0};
    AUTO(fd_close) int fd = -1;
    struct stat st;

    AUTO(err_free) struct err *e = fs_open(&fd, folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    if (e)
        return NULL; /* gone, or nothing of ours */
    AUTO(err_free) struct err *damaged = unpacked_boot_read(fd, boot, &found.ours, &found.bytes);
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

struct err *unpacked_prune_left(int cache_dir, uint64_t keep, uint64_t *freed, uint64_t *left)
{
    AUTO(fd_close) int folder = -1;
    AUTO_VALUE(entries_wipe) struct entries all = {0};
    AUTO(err_free) struct err *first = NULL;

    *freed = *left = 0;
    struct err *absent = fs_open(&folder, cache_dir, UNPACKED_FOLDER, O_RDONLY | O_DIRECTORY, 0);
    if (absent && err_kind_of(absent) == ERR_NOT_FOUND) {
        err_free(absent);
        return NULL;
    }
    TRY(absent);
    TRY(list(&all, folder));
    *left = all.bytes;
    if (all.count > 1)
        qsort(all.item, all.count, sizeof *all.item, by_worth);
    for (size_t i = 0; i < all.count && (!all.item[i].ours || *left > keep); i++) {
        bool removed;
        struct err *e = remove_unused(folder, &all.item[i], &removed);
        /* One that cannot go does not keep the others. */
        if (first)
            err_free(e);
        else
            first = e;
        if (e || !removed)
            continue;
        if (all.item[i].ours)
            *left -= all.item[i].bytes;
        *freed += all.item[i].bytes;
    }
    return TAKE(first);
}

struct err *unpacked_prune(int cache_dir, uint64_t keep, uint64_t *freed)
{
    uint64_t left, all;

    TRY(unpacked_prune_left(cache_dir, keep, &all, &left));
    if (freed)
        *freed = all;
    return NULL;
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
    struct statvfs fs;
    uint64_t keep = LIMIT_BYTES, size;

    TRY(unpacked_folder(&folder, cache_dir));
    if (!is_due(folder, bytes))
        return NULL;
    if (fstatvfs(folder, &fs) != 0)
        return err_sys("look at the file system of the cache");
    if (num_mul(fs.f_blocks, fs.f_frsize, &size) && size / LIMIT_PART < keep)
        keep = size / LIMIT_PART;
    return unpacked_prune(cache_dir, keep, NULL);
}
