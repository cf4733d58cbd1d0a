/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/stop.h"
#include "base/str.h"
#include "layers/upper_inner.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#define OVERLAY "user.overlay."
#define OPAQUE OVERLAY "opaque"
#define CAPABILITY "security.capability"
/* Of a link's target; Linux holds no longer ones. */
#define TARGET_MAX 4096
#define PROC_PATH (32 + NAME_MAX + 1)
#define PIECE (64 * 1024)

struct err *upper_error(const struct upper *u, const char *doing)
{
    int saved = errno;
    AUTO(mem_free) char *safe = str_safe(u->path.len ? buf_text(&u->path) : "/");
    errno = saved;
    return err_sys("%s %s", doing, safe);
}

/* Version 3 names the user that is root in the namespace where it was set, who is nobody elsewhere: what is
 * left is version 2 (linux/capability.h). */
static size_t portable_capability(char *value, size_t len)
{
    static const unsigned char version3 = 3, version2 = 2;

    if (len != 24 || (unsigned char)value[3] != version3)
        return len;
    value[3] = (char)version2;
    return 20;
}

static bool is_kept(const char *name)
{
    return (str_starts(name, "user.") && !str_starts(name, OVERLAY)) || str_eq(name, CAPABILITY);
}

/* Reading an attribute of users takes permission to read the file, which its owner may not have. */
static ssize_t read_value(struct upper *u, const struct upper_entry *e, const char *path, const char *name)
{
    ssize_t len = lgetxattr(path, name, u->value, XATTR_SIZE_MAX);

    if (len >= 0 || errno != EACCES || !S_ISREG(e->st.st_mode))
        return len;
    if (fchmodat(e->dir, e->name, (e->st.st_mode & 07777) | S_IRUSR, AT_SYMLINK_NOFOLLOW) != 0)
        return -1;
    len = lgetxattr(path, name, u->value, XATTR_SIZE_MAX);
    int saved = errno;
    if (fchmodat(e->dir, e->name, e->st.st_mode & 07777, AT_SYMLINK_NOFOLLOW) != 0)
        return -1;
    errno = saved;
    return len;
}

static struct err *take_xattrs(struct upper *u, const struct upper_entry *e, int fd, bool *opaque)
{
    char path[PROC_PATH];

    if (!u->names) {
        u->names = mem_alloc(XATTR_LIST_MAX);
        u->value = mem_alloc(XATTR_SIZE_MAX);
    }
    snprintf(path, sizeof path, "/proc/self/fd/%d/%s", fd >= 0 ? fd : e->dir, fd >= 0 ? "." : e->name);
    ssize_t names = llistxattr(path, u->names, XATTR_LIST_MAX);
    if (names < 0)
        return errno == ENOTSUP ? NULL : upper_error(u, "read the extended attributes of");
    for (ssize_t at = 0; at < names; at += (ssize_t)strlen(u->names + at) + 1) {
        const char *name = u->names + at;
        bool mark = fd >= 0 && str_eq(name, OPAQUE);
        if (!mark && !is_kept(name))
            continue;
        ssize_t len = read_value(u, e, path, name);
        if (len < 0)
            return upper_error(u, "read the extended attributes of");
        if (mark)
            *opaque = len == 1 && u->value[0] == 'y';
        else if (str_eq(name, CAPABILITY))
            node_set_xattr(u->tree, e->node, name, u->value, portable_capability(u->value, (size_t)len));
        else
            node_set_xattr(u->tree, e->node, name, u->value, (size_t)len);
    }
    return NULL;
}

static struct err *take_target(struct upper *u, const struct upper_entry *e)
{
    char target[TARGET_MAX + 1];
    ssize_t len = readlinkat(e->dir, e->name, target, sizeof target);

    if (len < 0)
        return upper_error(u, "read link");
    if (len > TARGET_MAX)
        return err_new(ERR_RESOURCE, "read link: its target is too long");
    e->node->target = tree_strdup(u->tree, target, (size_t)len);
    return NULL;
}

static void take_owner(struct upper *u, const struct upper_entry *e)
{
    struct node *n = e->node;

    if (!u->options->owners) {
        n->uid = e->st.st_uid;
        n->gid = e->st.st_gid;
        return;
    }
    const struct owner *owner = owner_list_find(u->options->owners, buf_text(&u->path));
    if (!owner)
        return;
    n->uid = owner->uid;
    n->gid = owner->gid;
    if (owner->device_type == 0 || n->type != NODE_FILE)
        return;
    n->type = owner->device_type == S_IFBLK ? NODE_BLOCK : NODE_CHAR;
    n->device_major = owner->device_major;
    n->device_minor = owner->device_minor;
}

struct err *upper_meta(struct upper *u, const struct upper_entry *e, int fd, bool *opaque)
{
    struct node *n = e->node;

    n->mode = e->st.st_mode & 07777;
    n->mtime = e->st.st_mtim.tv_sec;
    n->mtime_ns = (uint32_t)e->st.st_mtim.tv_nsec;
    if (n->type == NODE_CHAR || n->type == NODE_BLOCK) {
        n->device_major = major(e->st.st_rdev);
        n->device_minor = minor(e->st.st_rdev);
    }
    take_owner(u, e);
    if (n->type == NODE_FILE)
        n->size = (uint64_t)e->st.st_size;
    if (n->type == NODE_SYMLINK)
        return take_target(u, e);
    return S_ISREG(e->st.st_mode) || n->type == NODE_DIR ? take_xattrs(u, e, fd, opaque) : NULL;
}

static bool is_later(const struct upper *u, const struct node *n)
{
    int64_t epoch = u->options->epoch;

    return !u->options->keep_times && (n->mtime > epoch || (n->mtime == epoch && n->mtime_ns > 0));
}

void upper_clamp_time(const struct upper *u, struct node *n, bool *changed)
{
    if (!is_later(u, n))
        return;
    n->mtime = u->options->epoch;
    n->mtime_ns = 0;
    *changed = true;
}

static bool same_time(const struct upper *u, const struct node *n, const struct node *low)
{
    if (n->mtime == low->mtime && n->mtime_ns == low->mtime_ns)
        return true;
    return is_later(u, n) && low->mtime == u->options->epoch && low->mtime_ns == 0;
}

static bool same_xattrs(const struct node *n, const struct node *low)
{
    if (n->xattr_count != low->xattr_count)
        return false;
    for (uint32_t i = 0; i < n->xattr_count; i++) {
        const struct xattr *a = &n->xattr[i], *b = &low->xattr[i];
        if (!str_eq(a->name, b->name) || a->value_len != b->value_len ||
            memcmp(a->value, b->value, a->value_len) != 0)
            return false;
    }
    return true;
}

bool upper_same_meta(const struct upper *u, const struct node *n, const struct node *low)
{
    bool device = n->type == NODE_CHAR || n->type == NODE_BLOCK;

    return n->type == low->type && n->mode == low->mode && n->uid == low->uid && n->gid == low->gid &&
           n->size == low->size && same_time(u, n, low) &&
           (!device || (n->device_major == low->device_major && n->device_minor == low->device_minor)) &&
           (n->type != NODE_SYMLINK || str_eq(n->target, low->target)) && same_xattrs(n, low);
}

static struct err *open_file(const struct upper *u, const struct upper_entry *e, int *out)
{
    int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    mode_t mode = e->st.st_mode & 07777;

    *out = openat(e->dir, e->name, flags);
    if (*out >= 0 || errno != EACCES)
        return *out >= 0 ? NULL : upper_error(u, "open");
    if (fchmodat(e->dir, e->name, mode | S_IRUSR, AT_SYMLINK_NOFOLLOW) != 0)
        return upper_error(u, "open");
    *out = openat(e->dir, e->name, flags);
    int saved = errno;
    if (fchmodat(e->dir, e->name, mode, AT_SYMLINK_NOFOLLOW) != 0)
        return upper_error(u, "set the mode of");
    errno = saved;
    return *out >= 0 ? NULL : upper_error(u, "open");
}

static struct err *compare(const struct upper *u, int fd, struct source *low, bool *same)
{
    AUTO(mem_free) uint8_t *piece = mem_alloc(PIECE);

    for (;;) {
        const uint8_t *data;
        size_t len;
        TRY(stop_check());
        TRY(source_peek(low, &data, &len));
        if (len > PIECE)
            len = PIECE;
        ssize_t got = read(fd, piece, len ? len : 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return upper_error(u, "read");
        if ((size_t)got > len || (got == 0 && len > 0) || memcmp(piece, data, (size_t)got) != 0)
            return NULL;
        if (len == 0)
            break;
        source_advance(low, (size_t)got);
    }
    *same = true;
    return NULL;
}

struct err *upper_same_bytes(const struct upper *u, const struct upper_entry *e, bool *same)
{
    AUTO(fd_close) int fd = -1;
    AUTO(source_free) struct source *low = NULL;

    *same = e->node->type != NODE_FILE || e->node->size == 0;
    if (*same || e->low->content.kind == CONTENT_LAYER || e->low->content.kind == CONTENT_NONE)
        return NULL;
    TRY(open_file(u, e, &fd));
    TRY(node_open(e->low, &low));
    return compare(u, fd, low, same);
}
