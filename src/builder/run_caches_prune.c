/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/run_caches_prune.h"

#include "base/dir.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "builder/run_mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_SUFFIX ".lock"
#define BLOCK 512

/* The slots of one id, and the locks of all that have one. */
struct held {
    int dir;
    struct strlist names, locks;
    int *fd;
    size_t count, room;
};

void run_caches_list_wipe(struct run_caches_list *all)
{
    for (size_t i = 0; i < all->count; i++)
        mem_free(all->item[i].name);
    mem_free(all->item);
}

static void held_wipe(struct held *h)
{
    for (size_t i = 0; i < h->count; i++)
        fd_close(h->fd[i]);
    mem_free(h->fd);
    strlist_wipe(&h->names);
    strlist_wipe(&h->locks);
    if (h->dir >= 0)
        fd_close(h->dir);
}

static struct err *names_in(struct strlist *out, int dirfd, const char *path)
{
    AUTO(fd_close) int fd = -1;
    const struct dirent *entry;

    TRY(fs_open_no_links(&fd, dirfd, path, O_RDONLY | O_DIRECTORY, 0));
    AUTO(closedir) DIR *dir = dir_take(fd_take(&fd));
    if (!dir)
        return err_sys("read a cache of RUN");
    while ((entry = readdir(dir)))
        if (!str_eq(entry->d_name, ".") && !str_eq(entry->d_name, ".."))
            strlist_add(out, entry->d_name);
    return NULL;
}

/* What cannot be looked into is not counted. */
static uint64_t size_of(int dirfd, const char *path)
{
    AUTO_VALUE(strlist_wipe) struct strlist todo = {0};
    uint64_t bytes = 0;

    strlist_add(&todo, path);
    while (todo.count > 0) {
        AUTO_VALUE(strlist_wipe) struct strlist names = {0};
        struct stat st;
        AUTO(mem_free) char *next = todo.item[--todo.count];
        if (fstatat(dirfd, next, &st, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        bytes += (uint64_t)st.st_blocks * BLOCK;
        if (!S_ISDIR(st.st_mode))
            continue;
        err_free(names_in(&names, dirfd, next));
        for (size_t i = 0; i < names.count; i++)
            strlist_add_take(&todo, path_join(next, names.item[i]));
    }
    return bytes;
}

static bool is_later(struct timespec a, struct timespec b)
{
    return a.tv_sec != b.tv_sec ? a.tv_sec > b.tv_sec : a.tv_nsec > b.tv_nsec;
}

static struct err *lock_one(struct held *h, const char *name, bool *got)
{
    AUTO(fd_close) int fd = -1;

    TRY(fs_open_no_links(&fd, h->dir, name, O_RDWR, 0));
    TRY(fs_lock(fd, true, false, got));
    if (*got) {
        MEM_PUSH(h->fd, h->count, h->room, fd_take(&fd));
        strlist_add(&h->locks, name);
    }
    return NULL;
}

/* Until the directory has no lock that we do not have: then nobody uses or makes any slot in it. */
static struct err *hold(struct held *h, int folder, const char *name, bool *got)
{
    size_t before;

    *got = true;
    TRY(fs_open_no_links(&h->dir, folder, name, O_RDONLY | O_DIRECTORY, 0));
    do {
        before = h->locks.count;
        strlist_wipe(&h->names);
        TRY(names_in(&h->names, h->dir, "."));
        for (size_t i = 0; *got && i < h->names.count; i++)
            if (str_ends(h->names.item[i], LOCK_SUFFIX) && !strlist_has(&h->locks, h->names.item[i]))
                TRY(lock_one(h, h->names.item[i], got));
    } while (*got && h->locks.count > before);
    return NULL;
}

/* Does a step use any slot of it? */
static struct err *is_held(int folder, const char *name, bool *yes)
{
    AUTO_VALUE(held_wipe) struct held h = {.dir = -1};
    bool got;

    TRY(hold(&h, folder, name, &got));
    *yes = !got;
    return NULL;
}

/* A slot's lock says when the slot was used last. */
static struct err *look_at(struct run_caches_list *all, int folder, const char *name)
{
    AUTO(fd_close) int fd = -1;
    AUTO_VALUE(strlist_wipe) struct strlist names = {0};
    struct run_caches_entry found = {0};
    struct stat st;
    bool empty = true;

    AUTO(err_free) struct err *foreign = fs_open_no_links(&fd, folder, name, O_RDONLY | O_DIRECTORY, 0);
    if (foreign)
        return NULL; /* nothing of ours */
    TRY(names_in(&names, fd, "."));
    for (size_t i = 0; i < names.count; i++) {
        const char *entry = names.item[i];
        found.unfinished |= str_starts(entry, FS_NEW_PREFIX);
        empty &= str_ends(entry, LOCK_SUFFIX);
        if (!str_ends(entry, LOCK_SUFFIX))
            found.bytes += size_of(fd, entry);
        else if (fstatat(fd, entry, &st, AT_SYMLINK_NOFOLLOW) == 0 && is_later(st.st_mtim, found.used))
            found.used = st.st_mtim;
    }
    if (empty)
        return NULL;
    TRY(is_held(folder, name, &found.in_use));
    found.name = mem_strdup(name);
    MEM_PUSH(all->item, all->count, all->room, found);
    return NULL;
}

static struct err *open_folder(int *out, int cache_dir)
{
    struct err *absent = fs_open_no_links(out, cache_dir, RUN_MOUNTS_FOLDER, O_RDONLY | O_DIRECTORY, 0);
    if (!absent || err_kind_of(absent) != ERR_NOT_FOUND)
        return absent;
    err_free(absent);
    *out = -1;
    return NULL;
}

struct err *run_caches_entries(struct run_caches_list *out, int cache_dir)
{
    AUTO(fd_close) int folder = -1;
    AUTO_VALUE(strlist_wipe) struct strlist names = {0};

    TRY(open_folder(&folder, cache_dir));
    if (folder < 0)
        return NULL;
    TRY(names_in(&names, folder, "."));
    for (size_t i = 0; i < names.count; i++)
        TRY(look_at(out, folder, names.item[i]));
    return NULL;
}

/* Nobody finds it half removed, however we end. */
static struct err *remove_slot(int dir, const char *name)
{
    char away[FS_NEW_NAME];

    if (str_starts(name, FS_NEW_PREFIX))
        return fs_remove_tree(dir, name);
    fs_new_name(away);
    if (renameat(dir, name, dir, away) != 0)
        return errno == ENOENT ? NULL : err_sys("remove a cache of RUN");
    return fs_remove_tree(dir, away);
}

/* The files of locks stay: whoever waits for one has it open. */
struct err *run_caches_drop(int cache_dir, const char *name, bool all, uint64_t *freed)
{
    AUTO(fd_close) int folder = -1;
    AUTO_VALUE(held_wipe) struct held h = {.dir = -1};
    bool got;

    *freed = 0;
    TRY(open_folder(&folder, cache_dir));
    if (folder < 0)
        return NULL;
    TRY(hold(&h, folder, name, &got));
    for (size_t i = 0; got && i < h.names.count; i++) {
        const char *entry = h.names.item[i];
        if (str_ends(entry, LOCK_SUFFIX) || !(all || str_starts(entry, FS_NEW_PREFIX)))
            continue;
        uint64_t bytes = size_of(h.dir, entry);
        TRY(remove_slot(h.dir, entry));
        *freed += bytes;
    }
    return NULL;
}
