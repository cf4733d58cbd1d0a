/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "sandbox/inside.h"
#include "sandbox/namespaces.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

struct given {
    int *fd; /* a mount for each of spec.mount, not attached yet */
};

#define NUMBER_ROOM 24

static struct err *open_bind(int *out, const struct sandbox_mount *m)
{
    TRY(mountfd_clone(out, AT_FDCWD, m->source, true));
    return mountfd_restrict(*out, MOUNT_ATTR_NODEV | (m->read_only ? MOUNT_ATTR_RDONLY : 0), m->target);
}

static struct err *open_tmpfs(int *out, const struct inside *in, const struct sandbox_mount *m)
{
    char size[NUMBER_ROOM], mode[NUMBER_ROOM], uid[NUMBER_ROOM], gid[NUMBER_ROOM];
    const struct mountfd_option options[] = {{"mode", mode}, {"size", size}, {"uid", uid}, {"gid", gid}};
    size_t count = namespaces_has_user(&in->spec) ? 2 : 4;

    snprintf(mode, sizeof mode, "%o", m->mode ? m->mode : 01777u);
    snprintf(size, sizeof size, "%" PRIu64, m->size);
    snprintf(uid, sizeof uid, "%u", m->uid);
    snprintf(gid, sizeof gid, "%u", m->gid);
    return mountfd_new(out, "tmpfs", options, count,
                       MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | (m->read_only ? MOUNT_ATTR_RDONLY : 0u));
}

static struct err *open_data(int *out, const struct inside *in, const struct sandbox_mount *m, int store)
{
    AUTO(fd_close) int fd = -1;
    /* The command can see it in /proc/self/mountinfo. */
    AUTO(mem_free) char *name = mem_printf("%td", m - in->spec.mount);

    TRY(fs_open(&fd, store, name, O_WRONLY | O_CREAT | O_EXCL, 0600));
    TRY(fd_write(fd, m->data, m->data_len, m->target));
    if (!namespaces_has_user(&in->spec) && fchown(fd, m->uid, m->gid) != 0)
        return err_sys("change the owner of %s", m->target);
    if (fchmod(fd, m->mode & 07777) != 0)
        return err_sys("change the mode of %s", m->target);
    TRY(mountfd_clone(out, store, name, false));
    uint64_t attributes = MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID | (m->read_only ? MOUNT_ATTR_RDONLY : 0);
    return mountfd_restrict(*out, attributes, m->target);
}

/* A file can be taken out of a file system only while that is mounted somewhere. */
static struct err *open_all_data(struct given *g, struct inside *in)
{
    static const struct mountfd_option options[] = {{"mode", "700"}};
    struct mountfd_list once = {0};
    AUTO(fd_close) int target = -1;
    int store = -1;

    TRY(targets_open_top(&in->targets, &target, "dev"));
    TRY(mountfd_new(&store, "tmpfs", options, ARRAY_LEN(options), MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV));
    int kept = store;
    TRY(mountfd_add(&once, &store, target, "a place for files"));
    for (size_t i = 0; i < in->spec.mount_count; i++)
        if (in->spec.mount[i].kind == SANDBOX_DATA)
            TRY(open_data(&g->fd[i], in, &in->spec.mount[i], kept));
    return mountfd_detach(&once, in->proc);
}

struct err *given_open(struct given **out, struct inside *in)
{
    struct given *g = mem_zero(1, sizeof *g);
    bool data = false;

    g->fd = mem_zero(in->spec.mount_count + 1, sizeof *g->fd);
    in->kept = mem_zero(in->spec.mount_count + 1, sizeof *in->kept);
    for (size_t i = 0; i < in->spec.mount_count; i++) {
        const struct sandbox_mount *m = &in->spec.mount[i];
        g->fd[i] = -1;
        in->kept[i] = -1;
        if (m->kind == SANDBOX_BIND && m->keeps_owners && in->spec.way.ids == SANDBOX_SINGLE)
            TRY(mountfd_clone(&in->kept[i], AT_FDCWD, m->source, true));
        if (m->kind == SANDBOX_BIND)
            TRY(open_bind(&g->fd[i], m));
        else if (m->kind == SANDBOX_TMPFS)
            TRY(open_tmpfs(&g->fd[i], in, m));
        else
            data = true;
    }
    if (data)
        TRY(open_all_data(g, in));
    *out = g;
    return NULL;
}

struct err *given_mount(struct given *given, struct inside *in, struct emulate *e)
{
    for (size_t i = 0; i < in->spec.mount_count; i++) {
        const struct sandbox_mount *m = &in->spec.mount[i];
        AUTO(mem_free) char *safe = str_safe(m->target);
        AUTO(fd_close) int target = -1;
        struct stat st;
        if (fstat(given->fd[i], &st) != 0)
            return err_sys("mount on %s", safe);
        TRY(targets_open(&in->targets, &target, m->target, S_ISDIR(st.st_mode)));
        bool emulated = e && namespaces_has_user(&in->spec);
        if (emulated && m->kind == SANDBOX_BIND)
            emulate_own_below(e, given->fd[i], &m->owners);
        else if (emulated && (m->uid != 0 || m->gid != 0))
            TRY(emulate_own(e, given->fd[i], m->uid, m->gid));
        TRY(mountfd_add(&in->mounts, &given->fd[i], target, safe));
    }
    return NULL;
}
