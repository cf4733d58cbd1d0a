/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/targets.h"

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* As the kernel has it. */
#define LINKS_MAX 40

/* A path that is being resolved: what has no link in it any more, and what is left to look at. */
struct walk {
    char *done; /* "a/b", "" is the root */
    char *rest;
    int links;
};

static void walk_wipe(struct walk *w)
{
    free(w->done);
    free(w->rest);
}

static void drop_last(char *path)
{
    char *slash = strrchr(path, '/');
    *(slash ? slash : path) = '\0';
}

/* Take the next component off; NULL at the end. */
static char *next_part(struct walk *w)
{
    const char *at = w->rest + strspn(w->rest, "/");
    size_t len = strcspn(at, "/");

    if (len == 0)
        return NULL;
    char *part = mem_strndup(at, len);
    char *rest = mem_strdup(at + len);
    free(w->rest);
    w->rest = rest;
    return part;
}

static struct err *wrong(const char *path, const char *why)
{
    AUTO(mem_free) char *safe = str_safe(path);
    return err_new(ERR_INPUT, "mount on %s: %s", safe, why);
}

static struct err *failed(const char *path)
{
    int saved = errno;
    AUTO(mem_free) char *safe = str_safe(path);
    errno = saved;
    return err_sys("make %s to mount on it", safe);
}

static struct err *follow(struct walk *w, int root, const char *place)
{
    char text[PATH_MAX];
    ssize_t len = readlinkat(root, place, text, sizeof text - 1);

    if (len < 0)
        return failed(place);
    text[len] = '\0';
    if (++w->links > LINKS_MAX)
        return wrong(place, "too many links");
    char *rest = mem_printf("%s/%s", text, w->rest);
    free(w->rest);
    w->rest = rest;
    if (text[0] == '/')
        w->done[0] = '\0';
    return NULL;
}

static struct err *open_directory(int *out, int root, const char *path)
{
    return fs_open_no_links(out, root, *path ? path : ".", O_RDONLY | O_DIRECTORY, 0);
}

/* O_PATH for what may not be opened. -1 and errno. */
static int create(int folder, const char *name, mode_t type, dev_t device)
{
    int path = O_PATH | O_NOFOLLOW | O_CLOEXEC;

    if (S_ISREG(type))
        return openat(folder, name, O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    int e = S_ISDIR(type) ? mkdirat(folder, name, 0755) : mknodat(folder, name, type | 0666, device);
    return e != 0 ? -1 : openat(folder, name, path);
}

static struct err *make(struct targets *t, const char *parent, const char *name, mode_t type, dev_t device)
{
    AUTO(fd_close) int folder = -1;
    struct stat before, after;

    TRY(open_directory(&folder, t->root, parent));
    if (fstat(folder, &before) != 0)
        return failed(name);
    const struct timespec times[2] = {before.st_atim, before.st_mtim};
    int fd = create(folder, name, type, device);
    if (fd < 0)
        return failed(name);
    /* What the command sees does not tell when it was started. */
    (void)futimens(folder, times);
    if (fstat(folder, &after) != 0)
        return failed(name);
    struct targets_made made = {
        .parent = fd_take(&folder),
        .fd = fd,
        .name = mem_strdup(name),
        .directory = S_ISDIR(type),
        .before = {times[0], times[1]},
        .after = after.st_mtim,
    };
    MEM_PUSH(t->made, t->count, t->room, made);
    return NULL;
}

void targets_make_device(struct targets *t, const char *folder, const char *name, dev_t device)
{
    AUTO(mem_free) char *path = mem_printf("%s/%s", folder, name);
    struct stat st;

    if (fstatat(t->root, path, &st, AT_SYMLINK_NOFOLLOW) != 0)
        err_free(make(t, folder, name, S_IFCHR, device));
}

static bool is_beneath(const char *path, const char *top)
{
    size_t len = strlen(top);
    return strncmp(path, top, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

/* One component: go into it, or follow it, or make it. */
static struct err *step(struct targets *t, struct walk *w, const char *part, bool directory)
{
    AUTO(mem_free) char *place = mem_printf("%s%s%s", w->done, *w->done ? "/" : "", part);
    bool last = w->rest[strspn(w->rest, "/")] == '\0';
    struct stat st;

    if (strlen(place) >= PATH_MAX)
        return wrong(place, "the path is too long");
    if (is_beneath(place, "proc"))
        return wrong(place, "it is in /proc");
    if (fstatat(t->root, place, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno != ENOENT)
            return failed(place);
        TRY(make(t, w->done, part, !last || directory ? S_IFDIR : S_IFREG, 0));
    } else if (S_ISLNK(st.st_mode)) {
        return follow(w, t->root, place);
    } else if (!last && !S_ISDIR(st.st_mode)) {
        return wrong(place, "it is not a directory in the image");
    }
    free(w->done);
    w->done = TAKE(place);
    return NULL;
}

struct err *targets_open(struct targets *t, int *out, const char *path, bool directory)
{
    AUTO_VALUE(walk_wipe) struct walk w = {.done = mem_strdup(""), .rest = mem_strdup(path)};
    AUTO(fd_close) int fd = -1;
    struct stat st;

    for (;;) {
        AUTO(mem_free) char *part = next_part(&w);
        if (!part)
            break;
        if (str_eq(part, ".."))
            drop_last(w.done);
        else if (!str_eq(part, "."))
            TRY(step(t, &w, part, directory));
    }
    if (!*w.done)
        return wrong(path, "that is the root itself");
    TRY(fs_open_no_links(&fd, t->root, w.done, O_PATH, 0));
    if (fstat(fd, &st) != 0)
        return failed(w.done);
    if (directory != S_ISDIR(st.st_mode))
        return wrong(path,
                     directory ? "it is not a directory in the image" : "it is a directory in the image");
    *out = fd_take(&fd);
    return NULL;
}

struct err *targets_open_top(struct targets *t, int *out, const char *name)
{
    struct stat st;

    if (fstatat(t->root, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno != ENOENT)
            return failed(name);
        TRY(make(t, "", name, S_IFDIR, 0));
    } else if (!S_ISDIR(st.st_mode)) {
        return err_new(ERR_INPUT, "/%s is not a directory in the image", name);
    }
    return fs_open_no_links(out, t->root, name, O_PATH | O_DIRECTORY, 0);
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* It was ours only if the name still means the file that we made, and nobody wrote to it. */
static bool is_untouched(const struct targets_made *m)
{
    struct stat made, now;

    if (fstat(m->fd, &made) != 0 || fstatat(m->parent, m->name, &now, AT_SYMLINK_NOFOLLOW) != 0)
        return false;
    return made.st_dev == now.st_dev && made.st_ino == now.st_ino &&
           (m->directory || (now.st_size == 0 && now.st_nlink == 1));
}

static void remove_made(const struct targets_made *m)
{
    struct stat st;

    if (fstat(m->parent, &st) != 0 || !is_untouched(m))
        return;
    if (unlinkat(m->parent, m->name, m->directory ? AT_REMOVEDIR : 0) != 0)
        return;
    bool only_us = same_time(&st.st_mtim, &m->after);
    const struct timespec times[2] = {only_us ? m->before[0] : st.st_atim,
                                      only_us ? m->before[1] : st.st_mtim};
    (void)futimens(m->parent, times);
}

void targets_remove(struct targets *t)
{
    while (t->count > 0) {
        struct targets_made *m = &t->made[--t->count];
        remove_made(m);
        fd_close(m->fd);
        fd_close(m->parent);
        free(m->name);
    }
}
