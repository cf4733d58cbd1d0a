/* SPDX-License-Identifier: Apache-2.0 */
#include "base/trim.h"

#include "base/dir.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MARK_SECONDS (24 * 60 * 60)

struct file {
    char *path;
    uint64_t size;
    struct timespec used;
};

struct files {
    struct file *item;
    size_t count, room;
    uint64_t size;
};

static void files_wipe(struct files *f)
{
    for (size_t i = 0; i < f->count; i++)
        mem_free(f->item[i].path);
    mem_free(f->item);
}

static struct err *list(struct files *out, int dirfd, const char *path)
{
    AUTO(fd_close) int fd = -1;
    const struct dirent *entry;

    struct err *e = fs_open(&fd, dirfd, path, O_RDONLY | O_DIRECTORY, 0);
    if (e && err_kind_of(e) == ERR_NOT_FOUND) {
        err_free(e);
        return NULL;
    }
    TRY(e);
    int dir = fd_take(&fd);
    AUTO(closedir) DIR *stream = dir_take(dir);
    if (!stream)
        return err_sys("read directory %s", path);
    while ((entry = readdir(stream))) {
        struct stat st;
        if (str_starts(entry->d_name, FS_NEW_PREFIX) ||
            fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
            continue;
        struct file f = {path_join(path, entry->d_name), (uint64_t)st.st_size, st.st_mtim};
        MEM_PUSH(out->item, out->count, out->room, f);
        out->size += f.size;
    }
    return NULL;
}

static int by_age(const void *a, const void *b)
{
    const struct file *left = a, *right = b;

    if (left->used.tv_sec != right->used.tv_sec)
        return left->used.tv_sec < right->used.tv_sec ? -1 : 1;
    return left->used.tv_nsec < right->used.tv_nsec ? -1 : left->used.tv_nsec > right->used.tv_nsec;
}

struct err *trim_dirs(int dirfd, const char *const *paths, size_t count, uint64_t keep, uint64_t *freed)
{
    AUTO_VALUE(files_wipe) struct files files = {0};
    uint64_t removed = 0;

    for (size_t i = 0; i < count; i++)
        TRY(list(&files, dirfd, paths[i]));
    if (files.size > keep)
        qsort(files.item, files.count, sizeof *files.item, by_age);
    for (size_t i = 0; i < files.count && files.size - removed > keep; i++) {
        if (unlinkat(dirfd, files.item[i].path, 0) != 0 && errno != ENOENT)
            return err_sys("remove %s", files.item[i].path);
        removed += files.item[i].size;
    }
    if (freed)
        *freed = removed;
    return NULL;
}

struct err *trim_dir(int dirfd, const char *path, uint64_t keep, uint64_t *freed)
{
    return trim_dirs(dirfd, &path, 1, keep, freed);
}

struct err *trim_below(int dirfd, const char *path, uint64_t max)
{
    uint64_t freed;

    TRY(trim_dir(dirfd, path, max, &freed));
    return freed > 0 ? trim_dir(dirfd, path, max / 4 * 3, NULL) : NULL;
}

void trim_mark_used(int dirfd, const char *path)
{
    struct stat st;

    if (fstatat(dirfd, path, &st, 0) == 0 && st.st_mtime < time(NULL) - MARK_SECONDS)
        (void)utimensat(dirfd, path, NULL, 0);
}
