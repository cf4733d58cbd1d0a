/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "base/mem.h"
#include "layers/indexfile.h"
#include "layers/linkfirst.h"
#include "layers/unpacked_inner.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRIES 100
#define WORK "work"
#define ROOT "root"
/* What a file takes on the disk besides its bytes, about. */
#define BLOCK 4096

/* A directory that nobody prunes, because it is locked before it can be found to be left over. */
static struct err *new_directory(struct unpacking *u)
{
    for (int tries = 0; tries < TRIES && u->dir < 0; tries++) {
        fs_new_name(u->name);
        if (mkdirat(u->folder, u->name, 0700) != 0)
            return err_sys("create a directory in the cache");
        TRY(unpacked_hold(&u->dir, u->folder, u->name));
    }
    if (u->dir < 0)
        return err_new(ERR_CONFLICT, "create a directory in the cache: others keep removing it");
    return fchmod(u->dir, 0700) == 0 ? NULL : err_sys("create a directory in the cache");
}

static struct err *make_directory(const struct unpacking *u, const char *name, mode_t mode)
{
    if (mkdirat(u->dir, name, 0700) != 0 || fchmodat(u->dir, name, mode, 0) != 0)
        return err_sys("create directory %s in the cache", name);
    return NULL;
}

struct err *unpacking_new(struct unpacking **out, int cache_dir, enum unpacked_kind kind)
{
    AUTO(unpacking_free) struct unpacking *u = mem_zero(1, sizeof *u);

    u->kind = kind;
    u->folder = u->dir = u->fs = -1;
    u->cache = fcntl(cache_dir, F_DUPFD_CLOEXEC, 0);
    if (u->cache < 0)
        return err_sys("open the cache");
    TRY(unpacked_folder(&u->folder, cache_dir));
    TRY(new_directory(u));
    TRY(make_directory(u, UNPACKED_FS, 0755));
    TRY(fs_open(&u->fs, u->dir, UNPACKED_FS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0));
    TRY(unpacked_path_of(&u->upper, u->fs));
    *out = TAKE(u);
    return NULL;
}

struct err *unpacking_begin(struct unpacking **out, int cache_dir, enum unpacked_kind kind)
{
    AUTO(unpacking_free) struct unpacking *u = NULL;

    TRY(unpacking_new(&u, cache_dir, kind));
    TRY(make_directory(u, WORK, 0700));
    TRY(make_directory(u, ROOT, 0755));
    AUTO(mem_free) char *path = NULL;
    TRY(unpacked_path_of(&path, u->dir));
    u->work = path_join(path, WORK);
    u->root = path_join(path, ROOT);
    *out = TAKE(u);
    return NULL;
}

struct err *unpacking_like(struct unpacking *u, const struct node *root)
{
    const struct unpack_writer w = {.kind = u->kind};

    return unpack_meta(&w, root, u->fs);
}

const char *unpacking_upper(const struct unpacking *u)
{
    return u->upper;
}

const char *unpacking_work(const struct unpacking *u)
{
    return u->work;
}

const char *unpacking_root(const struct unpacking *u)
{
    return u->root;
}

int unpacking_dir(const struct unpacking *u)
{
    return u->fs;
}

static uint64_t bytes_below(const struct node *n, const struct tree *t, struct linkfirst *first)
{
    uint64_t bytes = BLOCK;

    if (n->type == NODE_FILE && linkfirst_of(first, t, n) == n)
        bytes += (n->size + BLOCK - 1) / BLOCK * BLOCK;
    for (uint32_t i = 0; i < n->child_count; i++)
        bytes += bytes_below(n->child[i], t, first);
    return bytes;
}

static uint64_t bytes_of(struct tree *t)
{
    AUTO_VALUE(linkfirst_wipe) struct linkfirst first = {0};

    return bytes_below(tree_root(t), t, &first);
}

static struct err *write_index(const struct unpacking *u, struct tree *layer, const struct indexfile *head)
{
    AUTO_VALUE(buf_wipe) struct buf data = BUF(INDEXFILE_MAX);
    AUTO(fd_close) int fd = -1;

    indexfile_write(&data, head, layer);
    TRY(buf_check(&data, "the index of a layer"));
    TRY(fs_open(&fd, u->dir, UNPACKED_INDEX, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
    TRY(fd_write(fd, buf_text(&data), data.len, UNPACKED_INDEX));
    return close(fd_take(&fd)) == 0 ? NULL : err_sys("write the index of a layer");
}

static struct err *write_beside(const struct unpacking *u, struct tree *layer, const struct indexfile *head,
                                uint64_t bytes)
{
    static const char *const unfinished[] = {UNPACKED_STAGE, WORK, ROOT};

    for (size_t i = 0; i < ARRAY_LEN(unfinished); i++)
        TRY(fs_remove_tree(u->dir, unfinished[i]));
    TRY(write_index(u, layer, head));
    return unpacked_boot_write(u->dir, bytes);
}

static struct err *publish(struct unpacked **out, struct unpacking *u, const struct digest *diff_id)
{
    AUTO(mem_free) char *name = unpacked_name(u->kind, diff_id);

    for (int tries = 0; tries < TRIES; tries++) {
        if (renameat(u->folder, u->name, u->folder, name) == 0)
            u->name[0] = '\0';
        else if (errno != EEXIST && errno != ENOTEMPTY)
            return err_sys("place unpacked layer %s", name);
        TRY(unpacked_open(out, u->cache, diff_id, u->kind));
        if (*out)
            return NULL;
        if (!u->name[0])
            return err_new(ERR_CONFLICT, "unpacked layer %s is damaged as soon as it is made", name);
    }
    return err_new(ERR_CONFLICT, "place unpacked layer %s: others keep placing damaged ones", name);
}

struct err *unpacking_publish(struct unpacked **out, struct unpacking *u, struct tree *layer,
                              const struct digest *diff_id, const struct digest *blob)
{
    const struct indexfile head = {.blob = blob ? *blob : *diff_id, .diff_id = *diff_id, .beside = true};

    /* The four: the directory around, and what stands beside. */
    uint64_t bytes = bytes_of(layer) + UINT64_C(4) * BLOCK;

    TRY(write_beside(u, layer, &head, bytes));
    TRY(publish(out, u, diff_id));
    struct err *full = unpacked_trim(u->cache, bytes);
    if (full)
        log_debug("trim the cache: %s", err_message(full));
    err_free(full);
    return NULL;
}

struct err *unpacking_commit(struct unpacked **out, struct unpacking *taken, struct tree *layer_take,
                             const struct digest *diff_id)
{
    AUTO(unpacking_free) struct unpacking *u = taken;
    AUTO(tree_free) struct tree *layer = layer_take;

    return unpacking_publish(out, u, layer, diff_id, NULL);
}

void unpacking_free(struct unpacking *u)
{
    if (!u)
        return;
    if (u->name[0] && u->dir >= 0) {
        struct err *e = fs_remove_tree(u->folder, u->name);
        if (e)
            log_debug("remove %s in the cache: %s", u->name, err_message(e));
        err_free(e);
    }
    const int fds[] = {u->fs, u->dir, u->folder, u->cache};
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        if (fds[i] >= 0)
            fd_close(fds[i]);
    mem_free(u->upper);
    mem_free(u->work);
    mem_free(u->root);
    mem_free(u);
}
