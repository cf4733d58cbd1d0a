/* SPDX-License-Identifier: Apache-2.0 */
#include "base/dir.h"
#include "base/mem.h"
#include "base/str.h"
#include "builder/usage.h"

#include <fcntl.h>
#include <sys/stat.h>

/* Kinds of which each file is an entry. */
static const enum usage_kind simple[] = {USAGE_INDEX, USAGE_LAYERS, USAGE_STEPS, USAGE_LISTINGS,
                                         USAGE_UPLOADS};

/* An upload's file is locked as long as it runs. Other files are read as a whole and never locked. */
static bool is_locked(int folder, const char *name)
{
    AUTO(fd_close) int fd = -1;
    bool got = true;
    AUTO(err_free) struct err *e = fs_open_no_links(&fd, folder, name, O_RDONLY | O_NONBLOCK, 0);
    if (!e)
        e = fs_lock(fd, true, false, &got);
    return !got;
}

static char *layer_of(enum usage_kind kind, const char *name)
{
    return kind == USAGE_LISTINGS ? mem_printf("sha256:%s", name) : NULL;
}

static struct err *read_folder(struct usage *u, int cache, enum usage_kind kind)
{
    const char *path = usage_kind_name(kind);
    AUTO(fd_close) int folder = -1;
    const struct dirent *d;
    struct err *e = fs_open(&folder, cache, path, O_RDONLY | O_DIRECTORY, 0);
    if (e && err_kind_of(e) == ERR_NOT_FOUND) {
        err_free(e);
        return NULL;
    }
    TRY(e);
    AUTO(closedir) DIR *dir = dir_take(fcntl(folder, F_DUPFD_CLOEXEC, 0));
    if (!dir)
        return err_sys("read %s", path);
    while ((d = readdir(dir))) {
        struct stat st;
        if (str_starts(d->d_name, FS_NEW_PREFIX) ||
            fstatat(folder, d->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
            continue;
        struct usage_entry *entry = usage_add(u, kind, path_join(path, d->d_name));
        entry->bytes = (uint64_t)st.st_size;
        entry->used = st.st_mtim;
        entry->in_use = kind == USAGE_UPLOADS && is_locked(folder, d->d_name);
        entry->layer = layer_of(kind, d->d_name);
    }
    return NULL;
}

struct err *usage_read_files(struct usage *u, int cache)
{
    for (size_t i = 0; i < ARRAY_LEN(simple); i++)
        if (usage_has_folder(cache, simple[i]))
            TRY(read_folder(u, cache, simple[i]));
    return NULL;
}
