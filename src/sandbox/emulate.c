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

/* Files that somebody may remove meanwhile: their number tells only together with their time of birth. */
struct err *emulate_own_below(struct emulate *e, int fd, const struct owner_list *owners)
{
    for (size_t i = 0; i < owners->count; i++) {
        const struct owner *owner = &owners->item[i];
        AUTO(fd_close) int file = -1;
        struct record *record;
        struct statx st;

        /* The mount may be of a file. */
        struct err *absent =
            owner->path[0] ? fs_open_no_links(&file, fd, owner->path, O_PATH | O_NOFOLLOW, 0) : NULL;
        if (absent) {
            err_free(absent);
            continue;
        }
        if (resolve_statx_fd(owner->path[0] ? file : fd, &st) != 0)
            return err_sys("read the owner of a mounted file");
        record = records_put(e->records, &st, owner->uid, owner->gid, fd_take(&file), false);
        record->type = owner->device_type;
        record->major = owner->device_major;
        record->minor = owner->device_minor;
    }
    return NULL;
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
    if (fstatat(dirfd, name, st, AT_SYMLINK_NOFOLLOW) != 0 ||
        statx(dirfd, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &seen) != 0)
        return errno;
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
