/* SPDX-License-Identifier: Apache-2.0 */
#include "base/trim.h"

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct file {
    char *name;
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
        mem_free(f->item[i].name);
    mem_free(f->item);
}

static void closedir_auto(DIR **dir)
{
    if (*dir)
        closedir(*dir);
}

static struct err *list(struct files *out, int dir, const char *path)
{
    AUTO(fd_close) int fd = -1;
    const struct dirent *entry;

    TRY(fs_open(&fd, dir, ".", O_RDONLY | O_DIRECTORY, 0));
    AUTO(closedir) DIR *stream = fdopendir(fd);
    if (!stream)
        return err_sys("read directory %s", path);
    (void)fd_take(&fd);
    while ((entry = readdir(stream))) {
        struct stat st;
        if (str_starts(entry->d_name, FS_NEW_PREFIX) ||
            fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
            continue;
        struct file f = {mem_strdup(entry->d_name), (uint64_t)st.st_size, st.st_mtim};
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

struct err *trim_dir(int dirfd, const char *path, uint64_t keep, uint64_t *freed)
{
    AUTO(fd_close) int dir = -1;
    AUTO_VALUE(files_wipe) struct files files = {0};
    uint64_t removed = 0;

    struct err *e = fs_open(&dir, dirfd, path, O_RDONLY | O_DIRECTORY, 0);
    if (freed)
        *freed = 0;
    if (e && err_kind_of(e) == ERR_NOT_FOUND) {
        err_free(e);
        return NULL;
    }
    TRY(e);
    TRY(list(&files, dir, path));
    if (files.size <= keep)
        return NULL;
    qsort(files.item, files.count, sizeof *files.item, by_age);
    for (size_t i = 0; i < files.count && files.size - removed > keep; i++) {
        if (unlinkat(dir, files.item[i].name, 0) != 0 && errno != ENOENT)
            return err_sys("remove %s/%s", path, files.item[i].name);
        removed += files.item[i].size;
    }
    if (freed)
        *freed = removed;
    return NULL;
}
