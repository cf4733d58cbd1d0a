/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/upper.h"

#include "base/dir.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/stop.h"
#include "base/str.h"
#include "layers/tarlimits.h"
#include "layers/tree_frozen.h"
#include "layers/upper_inner.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

/* As unpacked_write.c: nobody else is in there. */
#define LEVELS_OPEN 64
#define LEVELS_MAX (TARLIMITS_PATH / 2)
#define OPAQUE "user.overlay.opaque"

static void upper_wipe(struct upper *u)
{
    buf_wipe(&u->path);
    inodes_wipe(&u->inodes);
    mem_free(u->links);
    mem_free(u->names);
    mem_free(u->value);
}

/* All of them first: what is left out is removed on the way. */
static struct err *list_names(const struct upper *u, int fd, struct strlist *names)
{
    AUTO(closedir) DIR *stream = dir_take(openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));

    if (!stream)
        return upper_error(u, "read directory");
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(stream);
        if (!entry && errno)
            return upper_error(u, "read directory");
        if (!entry)
            break;
        if (!str_eq(entry->d_name, ".") && !str_eq(entry->d_name, ".."))
            strlist_add(names, entry->d_name);
    }
    strlist_sort(names);
    return NULL;
}

static struct err *set_time(const struct upper *u, const struct node *n, int dir, const char *name)
{
    const struct timespec times[2] = {
        {.tv_nsec = UTIME_OMIT},
        {.tv_sec = (time_t)n->mtime, .tv_nsec = (long)n->mtime_ns},
    };

    return utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW) == 0 ? NULL : upper_error(u, "set the time of");
}

static void join_links(struct upper *u, const struct upper_entry *e)
{
    uint32_t group = inodes_group(&u->inodes, u->tree, e->st.st_dev, e->st.st_ino);

    while (u->links_count <= group) {
        u->links = mem_grow(u->links, u->links_count * 2 + 16, sizeof *u->links);
        memset(u->links + u->links_count, 0, (u->links_count + 16) * sizeof *u->links);
        u->links_count = u->links_count * 2 + 16;
    }
    if (u->links[group].count++ == 0)
        u->links[group].first = e->node;
    e->node->link_group = group;
}

static struct err *leave_out(struct upper *u, const struct upper_entry *e, bool *removed)
{
    int flags = S_ISDIR(e->st.st_mode) ? AT_REMOVEDIR : 0;

    if (e->node)
        tree_remove(u->tree, e->node);
    *removed = true;
    return unlinkat(e->dir, e->name, flags) == 0 ? NULL : upper_error(u, "remove");
}

static struct err *take_leaf(struct upper *u, struct upper_entry *e, bool *removed)
{
    bool same = false, later = false;

    TRY(upper_meta(u, e, -1, NULL));
    if (e->low && e->st.st_nlink == 1 && upper_same_meta(u, e->node, e->low))
        TRY(upper_same_bytes(u, e, &same));
    if (same)
        return leave_out(u, e, removed);
    if (e->node->type == NODE_FILE && e->st.st_nlink > 1)
        join_links(u, e);
    upper_clamp_time(u, e->node, &later);
    return later ? set_time(u, e->node, e->dir, e->name) : NULL;
}

static struct err *take_children(struct upper *u, struct node *n, struct node *low, int *fd, unsigned depth,
                                 bool *removed);

/* For somebody who is not root, modes count for their own directories too. */
static struct err *open_directory(const struct upper *u, const struct upper_entry *e, int *out)
{
    mode_t mode = e->st.st_mode & 07777;

    if (geteuid() != 0 && (mode & 0700) != 0700 &&
        fchmodat(e->dir, e->name, mode | 0700, AT_SYMLINK_NOFOLLOW) != 0)
        return upper_error(u, "open up directory");
    *out = openat(e->dir, e->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return *out >= 0 ? NULL : upper_error(u, "open directory");
}

static bool has_children(const struct node *dir)
{
    return dir->child_count > 0;
}

/* The mark stays where it hides something. */
static struct err *take_mark(struct upper *u, const struct upper_entry *e, int fd, bool opaque)
{
    e->node->opaque = opaque && e->low && e->low->type == NODE_DIR && has_children(e->low);
    if (!opaque || e->node->opaque || fremovexattr(fd, OPAQUE) == 0)
        return NULL;
    return upper_error(u, "change the extended attributes of");
}

/* What everybody makes of a directory that an archive does not name. Others that are as they were are named
 * once something below them changed, because not every tool looks at the layers below. */
static bool is_plain(const struct node *n)
{
    return n->mode == 0755 && n->uid == 0 && n->gid == 0 && n->xattr_count == 0;
}

/* A time later than the epoch may have become that of the layers below. */
static void take_time_below(const struct upper_entry *e, bool *changed)
{
    *changed = *changed || e->node->mtime != e->low->mtime || e->node->mtime_ns != e->low->mtime_ns;
    e->node->mtime = e->low->mtime;
    e->node->mtime_ns = e->low->mtime_ns;
}

/* After the children. `fd` is the directory. */
static struct err *finish_directory(struct upper *u, const struct upper_entry *e, int fd, bool changed)
{
    mode_t mode = e->st.st_mode & 07777;

    if (!e->node->implicit)
        upper_clamp_time(u, e->node, &changed);
    if (changed)
        TRY(set_time(u, e->node, fd, "."));
    if (geteuid() != 0 && (mode & 0700) != 0700 && fchmod(fd, mode) != 0)
        return upper_error(u, "set the mode of");
    return NULL;
}

static struct err *take_directory(struct upper *u, struct upper_entry *e, int *parent, unsigned depth,
                                  bool *removed)
{
    AUTO(fd_close) int fd = -1;
    bool opaque = false, changed = false;

    if (depth > LEVELS_MAX)
        return err_new(ERR_RESOURCE, "a command made more than %d directories inside each other", LEVELS_MAX);
    TRY(open_directory(u, e, &fd));
    TRY(upper_meta(u, e, fd, &opaque));
    TRY(take_mark(u, e, fd, opaque));
    struct node *low = e->low && e->low->type == NODE_DIR && !opaque ? e->low : NULL;
    if (depth >= LEVELS_OPEN)
        fd_close(fd_take(parent));
    TRY(take_children(u, e->node, low, &fd, depth, &changed));
    if (*parent < 0)
        *parent = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*parent < 0)
        return upper_error(u, "go back from directory");
    e->dir = *parent;
    bool same = e->low && !e->node->opaque && upper_same_meta(u, e->node, e->low);
    if (same && e->node->child_count == 0)
        return leave_out(u, e, removed);
    if (same)
        take_time_below(e, &changed);
    e->node->implicit = same && is_plain(e->node);
    return finish_directory(u, e, fd, changed);
}

static struct err *take_entry(struct upper *u, struct node *dir, struct upper_entry *e, int *fd,
                              unsigned depth, bool *removed)
{
    enum node_type type;

    if (fstatat(e->dir, e->name, &e->st, AT_SYMLINK_NOFOLLOW) != 0)
        return upper_error(u, "look at");
    /* A socket is nothing without the process that made it; a whiteout nothing without what it hides. */
    bool known = tree_dir_type(e->st.st_mode, &type);
    if (known && type == NODE_CHAR && e->st.st_rdev == makedev(0, 0))
        type = NODE_WHITEOUT;
    if (!known || (type == NODE_WHITEOUT && !e->low))
        return leave_out(u, e, removed);
    e->node = tree_add(u->tree, dir, e->name, strlen(e->name), type);
    if (type == NODE_WHITEOUT)
        return NULL;
    return type == NODE_DIR ? take_directory(u, e, fd, depth + 1, removed) : take_leaf(u, e, removed);
}

static struct err *take_children(struct upper *u, struct node *n, struct node *low, int *fd, unsigned depth,
                                 bool *removed)
{
    AUTO_VALUE(strlist_wipe) struct strlist names = {0};
    size_t len = u->path.len;

    TRY(list_names(u, *fd, &names));
    for (size_t i = 0; i < names.count; i++) {
        struct upper_entry e = {.dir = *fd, .name = names.item[i]};
        TRY(stop_check());
        if (len > 0)
            buf_byte(&u->path, '/');
        buf_str(&u->path, e.name);
        TRY(buf_check(&u->path, "the path of a file that a command made"));
        if (low)
            TRY(tree_child(u->options->lower, low, e.name, strlen(e.name), &e.low));
        TRY(take_entry(u, n, &e, fd, depth, removed));
        u->path.len = len;
    }
    if (u->path.data)
        u->path.data[len] = '\0';
    return NULL;
}

static struct err *take_root(struct upper *u, int dirfd)
{
    struct upper_entry e = {.name = ".", .node = tree_root(u->tree), .low = tree_root(u->options->lower)};
    AUTO(fd_close) int fd = openat(dirfd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    AUTO(fd_close) int open = -1;
    bool opaque = false, changed = false;

    e.dir = fd;
    if (fd < 0 || fstat(fd, &e.st) != 0)
        return upper_error(u, "look at");
    e.dir = dirfd;
    TRY(open_directory(u, &e, &open));
    TRY(upper_meta(u, &e, open, &opaque));
    TRY(take_children(u, e.node, e.low, &open, 0, &changed));
    e.node->implicit = upper_same_meta(u, e.node, e.low);
    if (e.node->implicit)
        take_time_below(&e, &changed);
    return finish_directory(u, &e, open, changed);
}

struct err *upper_tree(struct tree **out, int dirfd, const struct upper_options *options)
{
    AUTO(tree_free) struct tree *tree = tree_new();
    AUTO_VALUE(upper_wipe)
    struct upper u = {.options = options, .tree = tree, .path = BUF(TARLIMITS_PATH)};
    TRY(take_root(&u, dirfd));
    for (size_t i = 1; i < u.links_count; i++)
        if (u.links[i].count == 1)
            u.links[i].first->link_group = 0;
    int fd = fcntl(dirfd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return upper_error(&u, "open");
    tree_freeze(tree, fd);
    *out = TAKE(tree);
    return NULL;
}
