/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/calls_create.h"

#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <unistd.h>

/* The kernel's own form of a device's number. */
static uint32_t major_of(uint32_t device)
{
    return (device >> 8) & 0xfff;
}

static uint32_t minor_of(uint32_t device)
{
    return (device & 0xff) | ((device >> 12) & 0xfff00);
}

struct node {
    int fd;
    uint64_t path;
    mode_t mode;
    uint32_t device;
};

/* Where owners are real, the supervisor does nothing that the process may not do itself. */
static int check_real(struct creation *c, const struct peer *peer)
{
    struct stat st;

    if (!(peer->capabilities & (1ULL << CAP_MKNOD)))
        return EPERM;
    if (fstat(c->parent, &st) != 0)
        return errno;
    c->uid = peer->fsuid;
    c->gid = st.st_mode & S_ISGID ? st.st_gid : peer->fsgid;
    return 0;
}

/* An empty file stands for a device that this user cannot make. */
static struct answer make_device(struct creation *c, const struct ask *a, const struct node *n)
{
    __attribute__((cleanup(fd_close_auto))) int fd = -1;
    struct record *record;
    struct statx st;
    int place;

    if (faccessat(c->parent, c->last, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return answer_error(EEXIST);
    fd = openat(c->parent, c->last, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, n->mode & 07777);
    if (fd < 0)
        return answer_error(errno);
    if (a->e->devices_only && fchown(fd, c->uid, c->gid) != 0) {
        int error = errno;

        (void)unlinkat(c->parent, c->last, 0);
        return answer_error(error);
    }
    place = openat(c->parent, c->last, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (resolve_statx_fd(fd, &st) != 0) {
        fd_close(place);
        return answer_error(EIO);
    }
    record = records_put(a->e->records, &st, c->uid, c->gid, place, false);
    record->type = n->mode & S_IFMT;
    record->major = major_of(n->device);
    record->minor = minor_of(n->device);
    return answer_value(0);
}

static struct answer make_node(struct creation *c, const struct ask *a, const struct node *n)
{
    if (mknodat(c->parent, c->last, n->mode, 0) != 0)
        return answer_error(errno);
    return creation_record(c, a);
}

struct answer answer_device(struct ask *a)
{
    AUTO_VALUE(creation_wipe) struct creation c = {.parent = -1};
    bool at = a->call == CALL_MKNODAT;
    const uint64_t *arg = a->arg + (at ? 1 : 0);
    struct node n = {at ? (int)a->arg[0] : AT_FDCWD, arg[0], (mode_t)arg[1] & 0177777, (uint32_t)arg[2]};
    bool device = S_ISCHR(n.mode) || S_ISBLK(n.mode);
    struct peer peer;
    struct answer answer;
    int error;

    if (!device && (creation_is_plain(a) || S_ISDIR(n.mode) || S_ISLNK(n.mode)))
        return answer_continue();
    if (device && !a->e->devices_only && !ask_credentials(a)->effective)
        return answer_error(EPERM);
    if (creation_find(&c, a, n.fd, n.path) != 0 || c.slash || (!device && c.uid == 0 && c.gid == 0) ||
        peer_read(&peer, a->e->proc, a->thread) != 0 || !ask_is_valid(a))
        return answer_continue();
    error = a->e->devices_only ? check_real(&c, &peer) : 0;
    if (error != 0)
        return answer_error(error);
    (void)umask(peer.umask);
    answer = device ? make_device(&c, a, &n) : make_node(&c, a, &n);
    creation_return_umask();
    return answer;
}
