/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/run_caches.h"

#include "base/buf.h"
#include "base/digest.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/stop.h"
#include "builder/node_owners.h"
#include "builder/rootfs.h"
#include "builder/run_cache_owners.h"
#include "builder/run_mounts.h"
#include "builder/run_show.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SLOTS_MAX 1000u
#define PAUSE_MAX_MS 32

/* The folder of one id. */
struct place {
    int dir;
    char *path;
    bool owners; /* are real on disk */
};

static void place_wipe(struct place *p)
{
    if (p->dir >= 0)
        fd_close(p->dir);
    free(p->path);
}

/* Another one for each image that it begins as, as with BuildKit. New string. */
static struct err *origin_of(char **out, struct builder *b, const struct run_mount *mount)
{
    AUTO_VALUE(buf_wipe) struct buf text = BUF(BUF_NO_LIMIT);
    char digest[DIGEST_TEXT];
    if (mount->from)
        TRY(stage_diff_ids(b, mount->from));
    for (size_t i = 0; mount->from && i < mount->from->parts.count; i++)
        buf_printf(&text, "%s\n", digest_text(&mount->from->parts.item[i]->diff_id, digest));
    if (mount->from)
        buf_printf(&text, "%s\n", mount->source);
    *out = buf_take(&text);
    return NULL;
}

static struct err *real_owners(struct builder *b, bool *out)
{
    struct sandbox_way way;
    TRY(rootfs_way(b, &way));
    *out = way.ids != SANDBOX_SINGLE && way.ids != SANDBOX_FAKE;
    return NULL;
}

struct err *run_cache_name(char **out, struct builder *b, const struct run_mount *mount)
{
    bool owners = false;
    char hex[DIGEST_TEXT];
    AUTO(mem_free) char *origin = NULL;
    TRY(real_owners(b, &owners));
    TRY(origin_of(&origin, b, mount));
    AUTO(mem_free)
    char *name = mem_printf("%s\n%u:%u:%o\n%s%s", owners ? "real" : "ours", mount->uid, mount->gid,
                            mount->mode, origin, mount->id);
    struct digest id = digest_of(name, strlen(name));
    *out = mem_strdup(digest_hex(&id, hex));
    return NULL;
}

static struct err *open_place(struct place *p, struct builder *b, const struct run_mount *mount)
{
    int cache = -1;
    const char *cache_path = NULL;
    AUTO(mem_free) char *name = NULL;
    TRY(rootfs_cache(b, &cache, &cache_path));
    TRY(real_owners(b, &p->owners));
    TRY(run_cache_name(&name, b, mount));
    AUTO(mem_free) char *folder = mem_printf(RUN_MOUNTS_FOLDER "/%s", name);
    p->path = path_join(cache_path, folder);
    return fs_mkdir_open(&p->dir, cache, folder);
}

static struct err *lock_slot(int *out, const struct place *p, unsigned slot, bool exclusive, bool *got)
{
    AUTO(fd_close) int fd = -1;
    AUTO(mem_free) char *name = mem_printf("%u.lock", slot);
    TRY(fs_open(&fd, p->dir, name, O_RDWR | O_CREAT, 0600));
    TRY(fs_lock(fd, exclusive, false, got));
    if (!*got)
        return NULL;
    (void)futimens(fd, NULL); /* what was used last is pruned last */
    *out = fd_take(&fd);
    return NULL;
}

static struct err *take_private(int *lock, unsigned *slot, const struct place *p)
{
    for (*slot = 0; *slot < SLOTS_MAX; ++*slot) {
        bool got = false;
        TRY(lock_slot(lock, p, *slot, true, &got));
        if (got)
            return NULL;
    }
    return err_new(ERR_RESOURCE, "more than %u steps use this cache at once", SLOTS_MAX);
}

/* Who waits in the kernel does not see that the build is over, and of several threads only one sees a signal.
 */
static struct err *wait_for_slot(int *lock, const struct place *p, bool exclusive)
{
    for (unsigned pause = 1;; pause = pause < PAUSE_MAX_MS ? 2 * pause : pause) {
        bool got = false;
        TRY(lock_slot(lock, p, 0, exclusive, &got));
        if (got)
            return NULL;
        TRY(stop_sleep_ms(pause));
    }
}

static struct err *take_slot(int *lock, unsigned *slot, struct builder *b, const struct place *p,
                             enum run_sharing sharing)
{
    if (sharing == RUN_PRIVATE)
        return take_private(lock, slot, p);
    *slot = 0;
    builder_unlock(b);
    struct err *e = wait_for_slot(lock, p, sharing == RUN_LOCKED);
    builder_lock(b);
    return e;
}

/* Then the mount is as its source is. */
static bool is_copy(const struct run_mount *mount)
{
    return mount->node && *mount->source;
}

static struct err *fill_slot(struct builder *b, const struct run_mount *mount, const struct place *p, int dir)
{
    bool copy = is_copy(mount);
    if (mount->node)
        TRY(run_show_copy(b, mount, dir));
    if (!copy && p->owners && fchown(dir, mount->uid, mount->gid) < 0)
        return err_sys("set the owner of a cache");
    if (fchmod(dir, copy ? mount->node->mode : mount->mode & 07777) < 0)
        return err_sys("set the mode of a cache");
    return NULL;
}

/* Whose the files are that it begins with. */
static struct err *write_owners(const struct run_mount *mount, const struct place *p, const char *name)
{
    AUTO_VALUE(owner_list_wipe) struct owner_list owners = {0};
    AUTO(mem_free) char *stale = mem_printf("%s" RUN_CACHE_OWNERS_SUFFIX, name);
    if (p->owners || !mount->node)
        return unlinkat(p->dir, stale, 0) == 0 || errno == ENOENT ? NULL : err_sys("remove %s", stale);
    node_owners(&owners, mount->node, false);
    if (!is_copy(mount)) {
        struct owner *top =
            owners.count > 0 && !*owners.item[0].path ? &owners.item[0] : owner_list_add(&owners, "");
        top->uid = mount->uid;
        top->gid = mount->gid;
        owner_list_sort(&owners);
    }
    return run_cache_owners_write(p->dir, name, &owners);
}

/* Whoever is faster wins: then *made stays false. */
static struct err *name_slot(const struct run_mount *mount, const struct place *p, const char *fresh,
                             const char *name, bool *made)
{
    struct stat st;
    TRY(fs_lock(p->dir, true, true, NULL));
    if (fstatat(p->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return NULL;
    TRY(write_owners(mount, p, name));
    if (renameat2(p->dir, fresh, p->dir, name, RENAME_NOREPLACE) < 0)
        return err_sys("name a cache");
    *made = true;
    return NULL;
}

/* Under another name first, so that nobody sees it half made. */
static struct err *make_slot(struct builder *b, const struct run_mount *mount, const struct place *p,
                             const char *name)
{
    char fresh[FS_NEW_NAME];
    AUTO(fd_close) int dir = -1;
    bool made = false;
    fs_new_name(fresh);
    TRY(fs_mkdir_open(&dir, p->dir, fresh));
    struct err *e = fill_slot(b, mount, p, dir);
    if (!e)
        e = name_slot(mount, p, fresh, name, &made);
    if (made)
        return NULL;
    struct err *left = fs_remove_tree(p->dir, fresh);
    if (e) {
        err_free(left);
        return e;
    }
    return left;
}

struct err *run_cache_take(char **path, int *lock, struct builder *b, const struct run_mount *mount,
                           const struct strlist *held)
{
    AUTO_VALUE(place_wipe) struct place p = {.dir = -1};
    AUTO(fd_close) int taken = -1;
    unsigned slot = 0;
    struct stat st;
    TRY(open_place(&p, b, mount));
    AUTO(mem_free) char *first = path_join(p.path, "0");
    *lock = -1;
    if (strlist_has(held, first)) {
        *path = TAKE(first);
        return NULL;
    }
    TRY(take_slot(&taken, &slot, b, &p, mount->sharing));
    AUTO(mem_free) char *name = mem_printf("%u", slot);
    if (fstatat(p.dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        TRY(make_slot(b, mount, &p, name));
    *path = path_join(p.path, name);
    *lock = fd_take(&taken);
    return NULL;
}
