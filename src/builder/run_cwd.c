/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/run_cwd.h"

#include "base/fs.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One directory of the path. One that exists below gets what it has there, because the upper one counts. */
struct level {
    char *path; /* from the root */
    uint32_t mode, uid, gid;
    int64_t mtime;
    bool is_new;
};

static struct err *make_level(struct rootfs *r, int *dir, const char *name, const struct level *l)
{
    AUTO(fd_close) int parent = fd_take(dir);
    bool real = r->way.ids != SANDBOX_SINGLE && r->way.ids != SANDBOX_FAKE;
    struct timespec times[2] = {{.tv_sec = l->mtime}, {.tv_sec = l->mtime}};
    bool there = mkdirat(parent, name, 0755) < 0; /* in a root that is a copy */
    if (there && errno != EEXIST)
        return err_sys("make %s", l->path);
    TRY(fs_open_no_links(dir, parent, name, O_RDONLY | O_DIRECTORY, 0));
    if (there)
        return NULL;
    if (real && fchown(*dir, l->uid, l->gid) < 0)
        return err_sys("set the owner of %s", l->path);
    if (fchmod(*dir, l->mode) < 0 || futimens(*dir, times) < 0)
        return err_sys("set the mode of %s", l->path);
    if (real || !l->is_new || (l->uid == 0 && l->gid == 0))
        return NULL;
    struct owner *o = owner_list_add(&r->owners, l->path);
    o->uid = l->uid;
    o->gid = l->gid;
    return NULL;
}

static struct err *make_levels(struct rootfs *r, struct tree *files, const struct strlist *names,
                               const struct run_plan *plan, int64_t epoch)
{
    struct node *at = tree_root(files);
    AUTO(mem_free) char *path = mem_strdup("");
    AUTO(fd_close) int dir = fcntl(unpacking_dir(r->upper), F_DUPFD_CLOEXEC, 0);
    if (dir < 0)
        return err_sys("open the layer");
    for (size_t i = 0; i < names->count; i++) {
        const char *name = names->item[i];
        char *below = *path ? mem_printf("%s/%s", path, name) : mem_strdup(name);
        free(path);
        path = below;
        if (at)
            TRY(tree_child(files, at, name, strlen(name), &at));
        if (at && at->type != NODE_DIR)
            return err_new(ERR_INPUT, "the working directory %s: /%s is no directory", plan->cwd, path);
        struct level l = {.path = path,
                          .mode = at ? at->mode : 0755,
                          .uid = at ? at->uid : plan->uid,
                          .gid = at ? at->gid : plan->gid,
                          .mtime = at ? at->mtime : epoch,
                          .is_new = !at};
        TRY(make_level(r, &dir, name, &l));
    }
    return NULL;
}

struct err *run_cwd_make(struct rootfs *r, struct tree *files, const struct run_plan *plan, int64_t epoch)
{
    struct node *there = NULL;
    AUTO(mem_free) char *place = NULL;
    AUTO_VALUE(strlist_wipe) struct strlist names = {0};
    TRY(tree_lookup(files, plan->cwd, true, &there));
    if (there && there->type == NODE_DIR)
        return NULL;
    TRY(tree_resolve(files, plan->cwd, true, &place));
    strlist_split(&names, place, '/');
    TRY(make_levels(r, files, &names, plan, epoch));
    owner_list_sort(&r->owners);
    return NULL;
}
