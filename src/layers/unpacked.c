/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/unpacked.h"

#include "base/log.h"
#include "base/mem.h"
#include "layers/indexfile.h"
#include "layers/tree_frozen.h"
#include "layers/unpacked_inner.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Others may remove and make it again while we open it. */
#define TRIES 100

char *unpacked_name(enum unpacked_kind kind, const struct digest *diff_id)
{
    char hex[DIGEST_TEXT];

    return mem_printf("%s-%s-%s", kind == UNPACKED_REAL ? "real" : "ours", digest_alg_name(diff_id),
                      digest_hex(diff_id, hex));
}

struct err *unpacked_folder(int *out, int cache_dir)
{
    return fs_mkdir_open(out, cache_dir, UNPACKED_FOLDER);
}

/* Is what is open still what the name leads to? */
static bool is_there(int fd, int folder, const char *name)
{
    struct stat here, there;

    return fstat(fd, &here) == 0 && fstatat(folder, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
           here.st_ino == there.st_ino && here.st_dev == there.st_dev;
}

struct err *unpacked_hold(int *out, int folder, const char *name)
{
    for (int tries = 0; tries < TRIES; tries++) {
        AUTO(fd_close) int fd = -1;
        struct err *e = fs_open(&fd, folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
        if (e && err_kind_of(e) == ERR_NOT_FOUND) {
            err_free(e);
            *out = -1;
            return NULL;
        }
        TRY(e);
        TRY(fs_lock(fd, false, true, NULL));
        if (is_there(fd, folder, name)) {
            *out = fd_take(&fd);
            return NULL;
        }
    }
    return err_new(ERR_CONFLICT, "open unpacked layer %s: others keep removing it", name);
}

struct err *unpacked_remove(int folder, const char *name)
{
    char away[FS_NEW_NAME];

    /* Nobody finds it half removed. */
    fs_new_name(away);
    if (renameat(folder, name, folder, away) != 0)
        return errno == ENOENT ? NULL : err_sys("remove unpacked layer %s", name);
    return err_wrap(fs_remove_tree(folder, away), "remove unpacked layer %s", name);
}

/* Whoever uses it without having found the damage gives it up first. */
static struct err *remove_damaged(int held, int folder, const char *name)
{
    TRY(fs_lock(held, true, true, NULL));
    return is_there(held, folder, name) ? unpacked_remove(folder, name) : NULL;
}

struct err *unpacked_path_of(char **out, int fd)
{
    char link[32], path[PATH_MAX];

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof path);
    if (len < 0)
        return err_hint(err_sys("find the path of the cache"), "lade needs /proc to be mounted");
    if ((size_t)len == sizeof path)
        return err_new(ERR_INPUT, "the path of the cache is too long");
    *out = mem_strndup(path, (size_t)len);
    return NULL;
}

static struct err *load_tree(struct tree **out, int dir, const struct digest *diff_id)
{
    AUTO_VALUE(buf_wipe) struct buf data = BUF(INDEXFILE_MAX);
    AUTO(tree_free) struct tree *tree = NULL;
    struct indexfile head;

    TRY(fs_read_file(&data, dir, UNPACKED_INDEX, NULL));
    TRY(indexfile_read(&head, &tree, buf_text(&data), data.len));
    if (!digest_equal(&head.diff_id, diff_id))
        return err_new(ERR_INPUT, "its index is of another layer");
    *out = TAKE(tree);
    return NULL;
}

/* ERR_INPUT and ERR_NOT_FOUND: it is damaged. */
static struct err *load(struct unpacked **out, int *held, const struct digest *diff_id)
{
    AUTO(unpacked_close) struct unpacked *u = mem_zero(1, sizeof *u);
    uint64_t bytes;
    bool ours = false;
    int tree_fd = -1;

    u->dir = u->fs = -1;
    AUTO(mem_free) char *boot = unpacked_this_boot();
    TRY(unpacked_boot_read(*held, boot, &ours, &bytes));
    if (!ours)
        return err_new(ERR_INPUT, "the machine was started since it was made");
    TRY(fs_open(&u->fs, *held, UNPACKED_FS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0));
    TRY(load_tree(&u->tree, *held, diff_id));
    TRY(unpacked_path_of(&u->path, u->fs));
    TRY(fs_open(&tree_fd, *held, UNPACKED_FS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0));
    tree_freeze(u->tree, tree_fd);
    (void)utimensat(*held, UNPACKED_BOOT, NULL, AT_SYMLINK_NOFOLLOW);
    u->diff_id = *diff_id;
    u->dir = fd_take(held);
    *out = TAKE(u);
    return NULL;
}

struct err *unpacked_open(struct unpacked **out, int cache_dir, const struct digest *diff_id,
                          enum unpacked_kind kind)
{
    AUTO(fd_close) int folder = -1;
    AUTO(fd_close) int held = -1;
    AUTO(mem_free) char *name = unpacked_name(kind, diff_id);

    *out = NULL;
    TRY(unpacked_folder(&folder, cache_dir));
    TRY(unpacked_hold(&held, folder, name));
    if (held < 0)
        return NULL;
    struct err *e = load(out, &held, diff_id);
    if (!e || (err_kind_of(e) != ERR_INPUT && err_kind_of(e) != ERR_NOT_FOUND))
        return err_wrap(e, "open unpacked layer %s", name);
    log_debug("unpacked layer %s: %s", name, err_message(e));
    err_free(e);
    return remove_damaged(held, folder, name);
}

struct err *unpacked_open_any(struct unpacked **out, int cache_dir, const struct digest *diff_id)
{
    TRY(unpacked_open(out, cache_dir, diff_id, UNPACKED_OURS));
    return *out ? NULL : unpacked_open(out, cache_dir, diff_id, UNPACKED_REAL);
}

void unpacked_close(struct unpacked *u)
{
    if (!u)
        return;
    tree_free(u->tree);
    mem_free(u->path);
    if (u->fs >= 0)
        fd_close(u->fs);
    if (u->dir >= 0)
        fd_close(u->dir);
    mem_free(u);
}

const char *unpacked_path(const struct unpacked *u)
{
    return u->path;
}

int unpacked_dir(const struct unpacked *u)
{
    return u->fs;
}

struct tree *unpacked_tree(struct unpacked *u)
{
    return u->tree;
}
