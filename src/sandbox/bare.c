/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/bare.h"

#include "base/fs.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/str.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define FILE_MAX (64u << 20)

static const struct {
    const char *name;
    unsigned major, minor;
} devices[] = {{"null", 1, 3},   {"zero", 1, 5},    {"full", 1, 7},
               {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0}};

static struct err *refuse(const struct sandbox_mount *m, const char *what)
{
    AUTO(mem_free) char *safe = str_safe(m->target);
    return err_hint(err_new(ERR_UNSUPPORTED, "mount %s: %s needs mounts, and this machine allows chroot only",
                            safe, what),
                    "allow user namespaces, or give the container CAP_SYS_ADMIN");
}

/* A file that the image has is written over, and gets its bytes back. */
static struct err *place_file(struct inside *in, const struct sandbox_mount *m, const char *data, size_t len)
{
    struct bare_file f = {.fd = -1, .before = BUF(FILE_MAX)};
    AUTO(fd_close) int target = -1;
    struct stat st;

    TRY(targets_open(&in->targets, &target, m->target, false));
    TRY(fs_open_in_root(&f.fd, in->root, m->target, O_RDWR | O_NOCTTY, 0));
    if (fstat(f.fd, &st) != 0 || !S_ISREG(st.st_mode))
        return refuse(m, "what is no plain file");
    AUTO(source_free) struct source *old = source_fd(fcntl(f.fd, F_DUPFD_CLOEXEC, 0));
    TRY(source_read_all(old, &f.before, m->target));
    f.times[0] = st.st_atim;
    f.times[1] = st.st_mtim;
    if (f.before.len == 0 && m->kind == SANDBOX_DATA &&
        (fchmod(f.fd, m->mode & 07777) != 0 || fchown(f.fd, m->uid, m->gid) != 0))
        return err_sys("change the owner and mode of %s", m->target);
    if (ftruncate(f.fd, 0) != 0 || lseek(f.fd, 0, SEEK_SET) != 0)
        return err_sys("write %s", m->target);
    TRY(fd_write(f.fd, data, len, m->target));
    if (fstat(f.fd, &st) != 0)
        return err_sys("stat %s", m->target);
    f.after = st.st_mtim;
    MEM_PUSH(in->bare.item, in->bare.count, in->bare.room, f);
    return NULL;
}

static struct err *place(struct inside *in, const struct sandbox_mount *m)
{
    AUTO_VALUE(buf_wipe) struct buf bytes = BUF(FILE_MAX);
    struct stat st;

    if (m->kind == SANDBOX_TMPFS)
        return refuse(m, "a tmpfs");
    if (m->secret)
        return refuse(m, "a secret, which must never be on a disk,");
    if (m->kind == SANDBOX_DATA)
        return place_file(in, m, m->data, m->data_len);
    if (stat(m->source, &st) != 0)
        return err_sys("stat %s", m->source);
    if (!S_ISREG(st.st_mode))
        return refuse(m, "what is no plain file");
    TRY(fs_read_file(&bytes, AT_FDCWD, m->source, NULL));
    return place_file(in, m, bytes.data, bytes.len);
}

struct err *bare_place(struct inside *in)
{
    AUTO(fd_close) int dev = -1;

    for (size_t i = 0; i < in->spec.mount_count; i++)
        TRY(place(in, &in->spec.mount[i]));
    TRY(targets_open_top(&in->targets, &dev, "dev"));
    for (size_t i = 0; i < ARRAY_LEN(devices); i++)
        targets_make_device(&in->targets, "dev", devices[i].name,
                            makedev(devices[i].major, devices[i].minor));
    return NULL;
}

/* What the command changed is its own. */
static void restore(struct bare_file *f)
{
    struct stat st;
    bool untouched = fstat(f->fd, &st) == 0 && st.st_mtim.tv_sec == f->after.tv_sec &&
                     st.st_mtim.tv_nsec == f->after.tv_nsec;

    if (!untouched || ftruncate(f->fd, 0) != 0)
        return;
    struct err *e =
        lseek(f->fd, 0, SEEK_SET) == 0 ? fd_write(f->fd, f->before.data, f->before.len, "a file") : NULL;
    err_free(e);
    (void)futimens(f->fd, f->times);
}

void bare_remove(struct inside *in)
{
    while (in->bare.count > 0) {
        struct bare_file *f = &in->bare.item[--in->bare.count];
        restore(f);
        fd_close(f->fd);
        buf_wipe(&f->before);
    }
}
