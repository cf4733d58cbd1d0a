/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"
#include "base/mem.h"
#include "base/stop.h"
#include "base/str.h"
#include "layers/tree.h"
#include "layers/tree_dir.h"
#include "layers/tree_inner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Of a link's target; Linux holds no longer ones. */
#define TARGET_MAX 4096
/* For entries of a directory at a time. */
#define ENTRIES_ROOM (32 * 1024)

struct err *tree_dir_error(const char *doing, const char *path)
{
    int saved = errno;
    AUTO(mem_free) char *safe = str_safe(path);
    errno = saved;
    return err_sys("%s %s", doing, safe);
}

struct err *tree_dir_changed(const char *path)
{
    AUTO(mem_free) char *safe = str_safe(path);
    return err_hint(err_new(ERR_CONFLICT, "%s: changed while it was read", safe),
                    "build again when nothing writes to the context any more");
}

/* What is gone since its directory was listed was changed under our hands. */
static struct err *vanished_or(const char *doing, const char *path)
{
    return errno == ENOENT ? tree_dir_changed(path) : tree_dir_error(doing, path);
}

/* Directory being read. */
struct reading {
    struct dir_reader *by;
    struct tree *tree;
    struct node *dir;
    struct buf path; /* of the directory with "/" at its end, "" for the root; then of the entry */
    size_t dir_len;  /* of the first */
    int fd;
    struct node **child;
    size_t count, room;
    struct node **entered; /* left out but for what is found inside */
    size_t entered_count, entered_room;
};

static void reading_wipe(struct reading *r)
{
    fd_close_auto(&r->fd);
    buf_wipe(&r->path);
    mem_free(r->child);
    mem_free(r->entered);
}

bool tree_dir_type(mode_t mode, enum node_type *type)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
        *type = NODE_FILE;
        return true;
    case S_IFDIR:
        *type = NODE_DIR;
        return true;
    case S_IFLNK:
        *type = NODE_SYMLINK;
        return true;
    case S_IFCHR:
        *type = NODE_CHAR;
        return true;
    case S_IFBLK:
        *type = NODE_BLOCK;
        return true;
    case S_IFIFO:
        *type = NODE_FIFO;
        return true;
    default:
        return false;
    }
}

int64_t tree_dir_change_time(const struct stat *st)
{
    int64_t ns = 0;

    /* Only compared with itself: wrapping does no harm. */
    (void)__builtin_mul_overflow((int64_t)st->st_ctim.tv_sec, INT64_C(1000000000), &ns);
    (void)__builtin_add_overflow(ns, (int64_t)st->st_ctim.tv_nsec, &ns);
    return ns;
}

static void take_stat(struct tree *t, struct node *n, const struct stat *st)
{
    n->mode = st->st_mode & 07777;
    n->uid = st->st_uid;
    n->gid = st->st_gid;
    n->mtime = st->st_mtim.tv_sec;
    n->mtime_ns = (uint32_t)st->st_mtim.tv_nsec;
    if (n->type == NODE_CHAR || n->type == NODE_BLOCK) {
        n->device_major = major(st->st_rdev);
        n->device_minor = minor(st->st_rdev);
    }
    if (n->type == NODE_DIR)
        n->children_known = false;
    if (n->type != NODE_FILE)
        return;
    n->size = (uint64_t)st->st_size;
    n->content.kind = CONTENT_DIR;
    n->content.offset = (uint64_t)tree_dir_change_time(st);
    n->content.dir = t;
    n->content.dir_node = n;
    n->content.inode = t->dir->times_tell && st->st_dev == t->dir->device ? st->st_ino : 0;
    if (st->st_nlink > 1) {
        AUTO(lock_release) struct lock *held = lock_hold(t->dir->lock);
        n->link_group = inodes_group(&t->dir->inodes, t, st->st_dev, st->st_ino);
    }
}

static struct err *read_target(struct reading *r, struct node *n, const char *path)
{
    char target[TARGET_MAX + 1];
    ssize_t len = readlinkat(r->fd, n->name, target, sizeof target);

    if (len < 0)
        return vanished_or("read link", path);
    if (len > TARGET_MAX)
        return err_new(ERR_INPUT, "read link %s: its target is too long", path);
    n->target = tree_strdup(r->by->store, target, (size_t)len);
    return NULL;
}

/* Ask the ignore rules. */
static bool is_left_out(const struct reading *r, const char *path, bool is_dir, bool *enter)
{
    const struct tree_dir_options *o = &r->tree->dir->options;

    *enter = false;
    if (!o->skip)
        return false;
    AUTO(lock_release) struct lock *held = lock_hold(r->tree->dir->lock);
    if (!o->skip(o->ctx, path, is_dir, enter))
        return false;
    *enter = *enter && is_dir;
    return !*enter;
}

/* As getdents64(2) gives them. */
struct entry {
    uint64_t inode, offset;
    uint16_t len; /* of it all */
    uint8_t type;
    char name[];
};

static struct err *read_entry(struct reading *r, const struct entry *entry)
{
    const char *name = entry->name;
    bool enter = false;
    struct stat st;

    r->path.len = r->dir_len;
    buf_str(&r->path, name);
    const char *path = buf_text(&r->path);
    /* Most of what is left out need not be looked at. */
    if (entry->type != DT_UNKNOWN && is_left_out(r, path, entry->type == DT_DIR, &enter))
        return NULL;
    if (fstatat(r->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return vanished_or("look at", path);
    if (entry->type == DT_UNKNOWN && is_left_out(r, path, S_ISDIR(st.st_mode), &enter))
        return NULL;
    enum node_type type;
    if (!tree_dir_type(st.st_mode, &type)) {
        r->dir->has_sockets = true;
        return NULL;
    }
    struct node *n = tree_new_node(r->by->store, r->dir, name, strlen(name));
    n->type = type;
    take_stat(r->tree, n, &st);
    if (type == NODE_SYMLINK)
        TRY(read_target(r, n, path));
    if (type == NODE_FILE || type == NODE_DIR)
        TRY(dir_reader_xattrs(r->by, n, r->fd, name, path));
    if (enter && type == NODE_DIR)
        MEM_PUSH(r->entered, r->entered_count, r->entered_room, n);
    else
        MEM_PUSH(r->child, r->count, r->room, n);
    return NULL;
}

/* Not by readdir(3), which asks three things more of each directory, and allocates for it. */
static struct err *read_entries(struct reading *r)
{
    AUTO(mem_free) char *path = *r->dir->name ? node_path(r->dir) : mem_strdup(".");

    if (!r->by->entries)
        r->by->entries = mem_alloc(ENTRIES_ROOM);
    TRY(fs_open_no_links(&r->fd, r->tree->dir->fd, path, O_RDONLY | O_DIRECTORY, 0));
    for (;;) {
        TRY(stop_check());
        ssize_t got = getdents64(r->fd, r->by->entries, ENTRIES_ROOM);
        if (got <= 0)
            return got < 0 ? tree_dir_error("read directory", path) : NULL;
        for (ssize_t at = 0; at < got;) {
            const struct entry *entry = (const void *)(r->by->entries + at);
            if (!str_eq(entry->name, ".") && !str_eq(entry->name, ".."))
                TRY(read_entry(r, entry));
            at += entry->len;
        }
    }
}

/* Directories that are there only when something in them is: they are read at once, after the descriptor of
 * this one was closed. */
static struct err *read_entered(struct reading *r)
{
    fd_close(fd_take(&r->fd));
    for (size_t i = 0; i < r->entered_count; i++) {
        struct node *n = r->entered[i];
        TRY(dir_reader_read(r->by, n));
        if (n->child_count > 0)
            MEM_PUSH(r->child, r->count, r->room, n);
    }
    return NULL;
}

struct err *dir_reader_read(struct dir_reader *by, struct node *dir)
{
    AUTO_VALUE(reading_wipe)
    struct reading r = {.by = by, .tree = by->tree, .dir = dir, .path = BUF(BUF_NO_LIMIT), .fd = -1};
    AUTO(mem_free) char *path = node_path(dir);

    buf_str(&r.path, path);
    if (*path)
        buf_byte(&r.path, '/');
    r.dir_len = r.path.len;
    TRY(read_entries(&r));
    TRY(read_entered(&r));
    if (r.count > 1)
        qsort(r.child, r.count, sizeof(struct node *), node_compare);
    by->store->node_count += r.count;
    node_set_children(dir, TAKE(r.child), r.count);
    dir->children_known = true;
    return NULL;
}

struct err *tree_dir_read(struct tree *t, struct node *dir)
{
    return dir_reader_read(&t->dir->reader, dir);
}

void dir_reader_wipe(struct dir_reader *r)
{
    mem_free(r->entries);
    mem_free(r->xattr_names);
    mem_free(r->xattr_value);
    *r = (struct dir_reader){0};
}

/* File systems of this machine whose ctime moves with every change and whose inode numbers stay. FUSE, NFS,
 * 9p and the like leave that to somebody else. SquashFS and EROFS take it from whoever made the image: two
 * images that were made with one fixed date look the same. */
static bool times_tell(int fd)
{
    static const uint32_t known[] = {
        0xef53,     /* ext2, ext3, ext4 */
        0x58465342, /* XFS */
        0x9123683e, /* Btrfs */
        0x01021994, /* tmpfs */
        0x858458f6, /* ramfs */
        0xf2f52010, /* F2FS */
        0x2fc12fc1, /* ZFS */
        0xca451a4e, /* bcachefs */
        0x794c7630, /* overlay */
    };
    struct statfs fs;

    if (fstatfs(fd, &fs) != 0)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if ((uint32_t)fs.f_type == known[i])
            return true;
    return false;
}

struct err *tree_open_dir(struct tree **out, int dirfd, const struct tree_dir_options *options)
{
    AUTO(fd_close) int fd = dirfd;
    struct stat st;

    if (fstat(fd, &st) != 0)
        return tree_dir_error("look at", ".");
    if (!S_ISDIR(st.st_mode))
        return err_new(ERR_INPUT, "it is not a directory");
    AUTO(tree_free) struct tree *t = tree_new();
    t->dir = mem_zero(1, sizeof *t->dir);
    t->dir->fd = fd_take(&fd);
    t->dir->lock = lock_new();
    t->dir->reader = (struct dir_reader){.tree = t, .store = t};
    if (options)
        t->dir->options = *options;
    t->dir->device = st.st_dev;
    t->dir->times_tell = t->dir->options.trust_times || times_tell(t->dir->fd);
    t->root->implicit = false;
    take_stat(t, t->root, &st);
    TRY(dir_reader_xattrs(&t->dir->reader, t->root, t->dir->fd, ".", "."));
    *out = TAKE(t);
    return NULL;
}

void tree_dir_free(struct tree_dir *d)
{
    if (!d)
        return;
    fd_close(d->fd);
    inodes_wipe(&d->inodes);
    dir_reader_wipe(&d->reader);
    lock_free(d->lock);
    mem_free(d);
}
