/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/run_caches.h"

#include "base/buf.h"
#include "base/digest.h"
#include "base/fs.h"
#include "base/mem.h"
#include "builder/rootfs.h"
#include "builder/run_mounts.h"
#include "builder/run_show.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SLOTS_MAX 1000u

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

static struct err *open_place(struct place *p, struct builder *b, const struct run_mount *mount)
{
    int cache = -1;
    const char *cache_path = NULL;
    struct sandbox_way way;
    char hex[DIGEST_TEXT];
    TRY(rootfs_way(b, &way));
    TRY(rootfs_cache(b, &cache, &cache_path));
    p->owners = way.ids != SANDBOX_SINGLE && way.ids != SANDBOX_FAKE;
    AUTO(mem_free) char *origin = NULL;
    TRY(origin_of(&origin, b, mount));
    AUTO(mem_free)
    char *name = mem_printf("%s\n%u:%u:%o\n%s%s", p->owners ? "real" : "ours", mount->uid, mount->gid,
                            mount->mode, origin, mount->id);
    struct digest id = digest_of(name, strlen(name));
    AUTO(mem_free) char *folder = mem_printf(RUN_MOUNTS_FOLDER "/%s", digest_hex(&id, hex));
    p->path = path_join(cache_path, folder);
    return fs_mkdir_open(&p->dir, cache, folder);
}

static struct err *lock_slot(int *out, const struct place *p, unsigned slot, bool exclusive, bool wait,
                             bool *got)
{
    AUTO(fd_close) int fd = -1;
    AUTO(mem_free) char *name = mem_printf("%u.lock", slot);
    TRY(fs_open(&fd, p->dir, name, O_RDWR | O_CREAT, 0600));
    TRY(fs_lock(fd, exclusive, wait, got));
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
        TRY(lock_slot(lock, p, *slot, true, false, &got));
        if (got)
            return NULL;
    }
    return err_new(ERR_RESOURCE, "more than %u steps use this cache at once", SLOTS_MAX);
}

static struct err *take_slot(int *lock, unsigned *slot, struct builder *b, const struct place *p,
                             enum run_sharing sharing)
{
    bool got = true;
    if (sharing == RUN_PRIVATE)
        return take_private(lock, slot, p);
    *slot = 0;
    builder_unlock(b);
    struct err *e = lock_slot(lock, p, 0, sharing == RUN_LOCKED, true, &got);
    builder_lock(b);
    return e;
}

/* Under another name first, so that nobody sees it half made; whoever is faster wins. */
static struct err *make_slot(struct builder *b, const struct run_mount *mount, const struct place *p,
                             const char *name)
{
    char fresh[FS_NEW_NAME];
    AUTO(fd_close) int dir = -1;
    fs_new_name(fresh);
    TRY(fs_mkdir_open(&dir, p->dir, fresh));
    struct err *e = mount->node ? run_show_copy(b, mount, dir) : NULL;
    bool all = mount->node && *mount->source; /* then it is as its source is */
    if (!e && !all && p->owners && fchown(dir, mount->uid, mount->gid) < 0)
        e = err_sys("set the owner of a cache");
    if (!e && fchmod(dir, all ? mount->node->mode : mount->mode & 07777) < 0)
        e = err_sys("set the mode of a cache");
    if (!e && renameat2(p->dir, fresh, p->dir, name, RENAME_NOREPLACE) == 0)
        return NULL;
    if (!e && errno != EEXIST)
        e = err_sys("name a cache");
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
