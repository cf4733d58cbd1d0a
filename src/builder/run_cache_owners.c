/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/run_cache_owners.h"

#include "base/fs.h"
#include "base/mem.h"
#include "base/newfile.h"
#include "base/str.h"
#include "builder/node_owners.h"
#include "layers/indexfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Some hundred thousand files. */
#define FILE_MAX ((size_t)16 << 20)
#define PATHS_MAX ((size_t)128 << 20)

/* Stands where a layer's index names the layer. */
static struct digest mark(void)
{
    static const char text[] = "owners of a cache mount";

    return digest_of(text, sizeof text - 1);
}

static void put_owner(struct tree *t, const struct owner *o)
{
    struct node *n;

    if (o->device_type != 0) {
        const char *slash = strrchr(o->path, '/');
        AUTO(mem_free) char *above = mem_strndup(o->path, slash ? (size_t)(slash - o->path) : 0);
        const char *name = slash ? slash + 1 : o->path;
        enum node_type type = o->device_type == S_IFCHR ? NODE_CHAR : NODE_BLOCK;
        n = tree_add(t, tree_make_path(t, above), name, strlen(name), type);
        n->device_major = o->device_major;
        n->device_minor = o->device_minor;
    } else {
        /* Whatever it is: something below it may follow. */
        n = tree_make_path(t, o->path);
    }
    n->uid = o->uid;
    n->gid = o->gid;
}

struct err *run_cache_owners_write(int dir, const char *slot, const struct owner_list *owners)
{
    AUTO_VALUE(buf_wipe) struct buf bytes = BUF(FILE_MAX);
    AUTO(tree_free) struct tree *t = tree_new();
    AUTO(mem_free) char *name = mem_printf("%s" RUN_CACHE_OWNERS_SUFFIX, slot);
    const struct indexfile head = {.blob = mark(), .diff_id = mark()};

    for (size_t i = 0; i < owners->count; i++)
        put_owner(t, &owners->item[i]);
    indexfile_write(&bytes, &head, t);
    TRY(buf_check(&bytes, "the list of owners"));
    return newfile_write(dir, name, 0600, bytes.data, bytes.len, false);
}

/* A few bytes of a tree can have names that are much longer when they are paths. */
static bool paths_fit(const struct node *n, size_t above, size_t *left)
{
    size_t len = above + strlen(n->name) + 1;

    if (len > *left)
        return false;
    *left -= len;
    for (uint32_t i = 0; i < n->child_count; i++)
        if (!paths_fit(n->child[i], len, left))
            return false;
    return true;
}

static bool read_file(struct owner_list *out, const char *slot)
{
    AUTO_VALUE(buf_wipe) struct buf bytes = BUF(FILE_MAX);
    AUTO(mem_free) char *path = mem_printf("%s" RUN_CACHE_OWNERS_SUFFIX, slot);
    AUTO(tree_free) struct tree *t = NULL;
    struct indexfile head;
    const struct digest wanted = mark();
    size_t left = PATHS_MAX;
    bool found = false;
    struct err *e = fs_read_file(&bytes, AT_FDCWD, path, &found);

    if (!e && found)
        e = indexfile_read(&head, &t, bytes.data, bytes.len);
    if (!e && found && digest_equal(&head.blob, &wanted) && paths_fit(tree_root(t), 0, &left))
        node_owners(out, tree_root(t), false);
    else
        found = false;
    err_free(e);
    return found;
}

void run_cache_owners_read(struct owner_list *out, const char *slot, uint32_t uid, uint32_t gid)
{
    owner_list_wipe(out);
    if (read_file(out, slot) || (uid == 0 && gid == 0))
        return;
    struct owner *top = owner_list_add(out, "");
    top->uid = uid;
    top->gid = gid;
}

static bool same(const struct owner *a, const struct owner *b)
{
    if (!a || !b)
        return a == b;
    return a->uid == b->uid && a->gid == b->gid && a->device_type == b->device_type &&
           a->device_major == b->device_major && a->device_minor == b->device_minor;
}

/* The next of a list when it is at this path. */
static const struct owner *next_at(const struct owner_list *list, size_t *at, const char *path)
{
    if (*at == list->count || !str_eq(list->item[*at].path, path))
        return NULL;
    return &list->item[(*at)++];
}

static const char *first_path(const struct owner_list *const *list, const size_t *at, size_t count)
{
    const char *first = NULL;

    for (size_t i = 0; i < count; i++) {
        const char *path = at[i] < list[i]->count ? list[i]->item[at[i]].path : NULL;
        if (path && (!first || strcmp(path, first) < 0))
            first = path;
    }
    return first;
}

/* What has no owner any more may be a file that somebody else has put in its place and said whose it is. */
static const struct owner *choose(const struct owner *before, const struct owner *after,
                                  const struct owner *now)
{
    if (after)
        return same(before, after) ? now : after;
    return same(before, now) ? NULL : now;
}

/* Sets *changed when it is another list than `now`. */
static void merge(struct owner_list *out, const struct owner_list *before, const struct owner_list *after,
                  const struct owner_list *now, bool *changed)
{
    const struct owner_list *const lists[] = {before, after, now};
    size_t at[ARRAY_LEN(lists)] = {0};
    const char *path;

    while ((path = first_path(lists, at, ARRAY_LEN(lists)))) {
        const struct owner *had = next_at(before, &at[0], path);
        const struct owner *left = next_at(after, &at[1], path);
        const struct owner *has = next_at(now, &at[2], path);
        const struct owner *chosen = choose(had, left, has);

        *changed = *changed || !same(chosen, has);
        if (!chosen)
            continue;
        struct owner *o = owner_list_add(out, path);
        char *own = o->path;
        *o = *chosen;
        o->path = own;
    }
}

struct err *run_cache_owners_merge(const char *slot, const struct owner_list *before,
                                   const struct owner_list *after, uint32_t uid, uint32_t gid)
{
    AUTO_VALUE(owner_list_wipe) struct owner_list now = {0};
    AUTO_VALUE(owner_list_wipe) struct owner_list merged = {0};
    AUTO(fd_close) int dir = -1;
    const char *slash = strrchr(slot, '/');
    AUTO(mem_free) char *folder = mem_strndup(slot, (size_t)(slash - slot));
    bool changed = false;

    TRY(fs_open(&dir, AT_FDCWD, folder, O_RDONLY | O_DIRECTORY, 0));
    TRY(fs_lock(dir, true, true, NULL));
    run_cache_owners_read(&now, slot, uid, gid);
    merge(&merged, before, after, &now, &changed);
    return changed ? run_cache_owners_write(dir, slash + 1, &merged) : NULL;
}
