/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/emulate_inner.h"

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "sandbox/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define PINS_MAX 4096U

static size_t pins_allowed(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return 64;
    return files.rlim_cur / 2 < PINS_MAX ? (size_t)files.rlim_cur / 2 : PINS_MAX;
}

/* A file of the root whose owner or device is known from the list. */
static struct err *record_owner(struct emulate *e, const struct emulate_options *options,
                                const struct owner *owner)
{
    __attribute__((cleanup(fd_close_auto))) int fd = -1;
    bool lasting;
    struct stat above;
    struct statx st;
    struct record *record;
    struct err *error = fs_open_no_links(&fd, options->root, owner->path[0] != '\0' ? owner->path : ".",
                                         O_PATH | O_NOFOLLOW, 0);

    if (error) {
        bool absent = err_kind_of(error) == ERR_NOT_FOUND || err_kind_of(error) == ERR_INPUT;

        if (!absent)
            return err_wrap(error, "read owners");
        err_free(error);
        return NULL;
    }
    if (resolve_statx_fd(fd, &st) != 0)
        return NULL;
    lasting = options->upper < 0 || fstatat(options->upper, owner->path[0] != '\0' ? owner->path : ".",
                                            &above, AT_SYMLINK_NOFOLLOW) != 0;
    record = records_put(e->records, &st, owner->uid, owner->gid, lasting ? -1 : fd_take(&fd), lasting);
    record->type = owner->device_type;
    record->major = owner->device_major;
    record->minor = owner->device_minor;
    record->linked = lasting && options->upper >= 0 && st.stx_nlink > 1 && !S_ISDIR(st.stx_mode);
    e->linked = e->linked || record->linked;
    return NULL;
}

static void find_numbers(struct emulate *e)
{
    for (size_t i = 0; i < calls_table_count; i++) {
        for (enum calls_arch arch = CALLS_NATIVE; arch <= CALLS_COMPAT; arch++) {
            int number = calls_number(arch, calls_table[i].name);

            if (number >= 0 && number <= CALLS_NEWEST)
                e->answered[arch][number] = (uint8_t)(i + 1);
        }
    }
}

static struct credentials first_credentials(const struct emulate_options *options)
{
    uint32_t u = options->uid, g = options->gid;

    return (struct credentials){.uid = u,
                                .euid = u,
                                .suid = u,
                                .fsuid = u,
                                .gid = g,
                                .egid = g,
                                .sgid = g,
                                .fsgid = g,
                                .permitted = u == 0,
                                .effective = u == 0,
                                .groups = options->groups,
                                .group_count = options->group_count};
}

struct err *emulate_new(struct emulate **out, const struct emulate_options *options)
{
    AUTO(emulate_free) struct emulate *e = mem_zero(1, sizeof *e);
    struct credentials first = first_credentials(options);
    struct statx st;

    e->root = options->root;
    e->proc = options->proc;
    e->devices_only = options->devices_only;
    e->records = records_new(pins_allowed());
    e->tokens = tokens_new();
    find_numbers(e);
    if (tokens_number(e->tokens, &first) != TOKEN_FIRST)
        return err_new(ERR_RESOURCE, "the command has too many groups");
    if (resolve_statx_fd(e->root, &st) != 0)
        return err_sys("read the root directory of the command");
    e->root_device_major = st.stx_dev_major;
    e->root_device_minor = st.stx_dev_minor;
    for (size_t i = 0; options->owners && i < options->owners->count; i++)
        TRY(record_owner(e, options, &options->owners->item[i]));
    *out = TAKE(e);
    return NULL;
}

bool emulate_minds_copies(const struct emulate *e)
{
    return e && e->linked;
}

/* A mounted file stays as long as it is mounted. */
struct err *emulate_own(struct emulate *e, int fd, uint32_t uid, uint32_t gid)
{
    struct statx st;

    if (resolve_statx_fd(fd, &st) != 0)
        return err_sys("read the owner of a mounted file");
    (void)records_put(e->records, &st, uid, gid, -1, true);
    return NULL;
}

/* What is looked for lies side by side: its directory stays open. */
struct below {
    int top, fd;
    char *dir;
};

static void below_wipe(struct below *b)
{
    mem_free(b->dir);
    if (b->fd >= 0)
        fd_close(b->fd);
}

static bool below_enter(struct below *b, const char *path, size_t len)
{
    if (b->dir && strncmp(b->dir, path, len) == 0 && b->dir[len] == '\0')
        return b->fd >= 0;
    if (b->fd >= 0)
        fd_close(fd_take(&b->fd));
    mem_free(b->dir);
    b->dir = mem_strndup(path, len);
    struct err *absent =
        fs_open_no_links(&b->fd, b->top, len > 0 ? b->dir : ".", O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
    err_free(absent);
    return !absent;
}

/* *fd is open when a record needs it. The mount itself may be a file, and stays as long as it is mounted. */
static bool below_find(struct below *b, const char *path, struct statx *st, int *fd)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;

    if (!*path)
        return resolve_statx_fd(b->top, st) == 0;
    if (!below_enter(b, path, slash ? (size_t)(slash - path) : 0) ||
        statx(b->fd, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, st) != 0)
        return false;
    if (!records_is_young(st))
        return true;
    *fd = openat(b->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    return *fd >= 0 && resolve_statx_fd(*fd, st) == 0;
}

/* Files that somebody may remove meanwhile: their number tells only together with their time of birth. */
void emulate_own_below(struct emulate *e, int fd, const struct owner_list *owners)
{
    AUTO_VALUE(below_wipe) struct below b = {.top = fd, .fd = -1};

    for (size_t i = 0; i < owners->count; i++) {
        const struct owner *owner = &owners->item[i];
        AUTO(fd_close) int file = -1;
        struct record *record;
        struct statx st;

        if (!below_find(&b, owner->path, &st, &file) ||
            (owner->device_type != 0 && (!S_ISREG(st.stx_mode) || st.stx_size != 0)))
            continue;
        record = records_put(e->records, &st, owner->uid, owner->gid, fd_take(&file), false);
        record->type = owner->device_type;
        record->major = owner->device_major;
        record->minor = owner->device_minor;
    }
}

bool emulate_knows_mounts(const struct emulate *e)
{
    return records_has_other_device(e->records, e->root_device_major, e->root_device_minor);
}

void emulate_settle(struct emulate *e)
{
    pending_settle(e);
}

void emulate_free(struct emulate *e)
{
    if (!e)
        return;
    pending_forget(e);
    records_free(e->records);
    tokens_free(e->tokens);
    free(e);
}

int emulate_begin_process(const struct emulate_options *options)
{
    return options->devices_only ? 0 : token_begin(TOKEN_FIRST);
}

int emulate_stat(const struct emulate *e, int dirfd, const char *name, struct stat *st, bool *recorded)
{
    const struct record *record;
    struct statx seen;

    if (recorded)
        *recorded = false;
    if (statx(dirfd, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &seen) != 0)
        return errno;
    *st = (struct stat){.st_mode = seen.stx_mode,
                        .st_uid = seen.stx_uid,
                        .st_gid = seen.stx_gid,
                        .st_rdev = makedev(seen.stx_rdev_major, seen.stx_rdev_minor)};
    record = records_find(e->records, &seen);
    if (!record)
        return 0;
    if (recorded)
        *recorded = true;
    if (!e->devices_only) {
        st->st_uid = record->uid;
        st->st_gid = record->gid;
    }
    if (record->type != 0) {
        st->st_mode = (st->st_mode & 07777U) | record->type;
        st->st_rdev = makedev(record->major, record->minor);
    }
    return 0;
}
