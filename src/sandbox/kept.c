/* SPDX-License-Identifier: Apache-2.0 */
#include "base/dir.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "sandbox/inside.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* A quarter of a message to lade. */
#define OWNERS_BYTES_MAX ((size_t)128 << 20)
/* Of an entry, beside its path. */
#define OWNER_BYTES 64

struct walk {
    struct owner_list *out;
    const struct emulate *e;
    int top;
    struct strlist todo; /* directories */
    size_t left;         /* bytes */
};

static void walk_wipe(struct walk *w)
{
    strlist_wipe(&w->todo);
}

static void keep(struct walk *w, const char *path, const struct stat *st)
{
    bool device = S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode);
    size_t bytes = strlen(path) + OWNER_BYTES;

    if ((!device && st->st_uid == 0 && st->st_gid == 0) || bytes > w->left)
        return;
    w->left -= bytes;
    struct owner *o = owner_list_add(w->out, path);
    o->uid = st->st_uid;
    o->gid = st->st_gid;
    if (!device)
        return;
    o->device_type = st->st_mode & S_IFMT;
    o->device_major = major(st->st_rdev);
    o->device_minor = minor(st->st_rdev);
}

/* `name` is in `dir`; the path is from the mount. */
static void look_at(struct walk *w, int dir, const char *name, const char *path)
{
    bool recorded = false;
    struct stat st;

    if (emulate_stat(w->e, dir, name, &st, &recorded) != 0)
        return;
    if (recorded)
        keep(w, path, &st);
    if (S_ISDIR(st.st_mode))
        strlist_add(&w->todo, path);
}

static void look_in(struct walk *w, const char *path)
{
    int fd = -1;
    const struct dirent *entry;

    err_free(fs_open_no_links(&fd, w->top, *path ? path : ".", O_RDONLY | O_DIRECTORY, 0));
    AUTO(closedir) DIR *dir = dir_take(fd);
    while (dir && (entry = readdir(dir))) {
        if (str_eq(entry->d_name, ".") || str_eq(entry->d_name, ".."))
            continue;
        AUTO(mem_free) char *below = mem_printf("%s%s%s", path, *path ? "/" : "", entry->d_name);
        look_at(w, fd, entry->d_name, below);
    }
}

static void collect(struct owner_list *out, size_t *left, int top, const struct emulate *e)
{
    AUTO_VALUE(walk_wipe) struct walk w = {.out = out, .e = e, .top = top, .left = *left};
    bool recorded = false;
    struct stat st;

    if (emulate_stat(e, top, ".", &st, &recorded) != 0)
        return;
    if (recorded)
        keep(&w, "", &st);
    strlist_add(&w.todo, "");
    while (w.todo.count > 0) {
        AUTO(mem_free) char *path = w.todo.item[--w.todo.count];
        w.todo.item[w.todo.count] = NULL;
        look_in(&w, path);
    }
    owner_list_sort(out);
    *left = w.left;
}

void kept_collect(struct sandbox_result *out, const struct inside *in, const struct emulate *e)
{
    size_t left = OWNERS_BYTES_MAX;

    if (!in->kept || in->spec.mount_count == 0)
        return;
    out->mount_count = in->spec.mount_count;
    out->mount = mem_zero(out->mount_count, sizeof *out->mount);
    /* Most commands give nothing in a mount to anybody. */
    if (in->spec.way.overlay && !emulate_knows_mounts(e))
        return;
    for (size_t i = 0; i < out->mount_count; i++)
        if (in->kept[i] >= 0)
            collect(&out->mount[i], &left, in->kept[i], e);
}
