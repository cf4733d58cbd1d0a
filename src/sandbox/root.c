/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "sandbox/inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel takes a page of options, and stacks this many. */
#define OPTIONS_MAX 4000
#define LAYERS_MAX 500

struct layers {
    int *fd;
    size_t count, room;
};

static void layers_wipe(struct layers *l)
{
    for (size_t i = 0; i < l->count; i++)
        fd_close(l->fd[i]);
    free(l->fd);
}

static struct err *open_layer(struct layers *l, const char *path)
{
    AUTO(fd_close) int fd = -1;

    TRY(fs_open(&fd, AT_FDCWD, path, O_PATH | O_DIRECTORY, 0));
    MEM_PUSH(l->fd, l->count, l->room, fd_take(&fd));
    return NULL;
}

/* Names in the options are the numbers of descriptors, as /proc/self/fd has them: short enough for hundreds
 * of layers, and without characters that would need an escape. Overlays of user namespaces keep their marks
 * in user.*; without `userxattr` they would lose them silently. It is used for all, so that an upper
 * directory has one form. */
static struct err *overlay_options(struct buf *b, struct layers *l, const struct sandbox_spec *spec)
{
    if (spec->lower.count == 0 || spec->lower.count > LAYERS_MAX)
        return err_new(ERR_UNSUPPORTED, "mount a root of %zu layers: the kernel stacks 1 to %d",
                       spec->lower.count, LAYERS_MAX);
    buf_str(b, "userxattr,lowerdir=");
    for (size_t i = spec->lower.count; i-- > 0;) {
        TRY(open_layer(l, spec->lower.item[i]));
        buf_printf(b, "%d%s", l->fd[l->count - 1], i > 0 ? ":" : "");
    }
    TRY(open_layer(l, spec->upper));
    TRY(open_layer(l, spec->work));
    buf_printf(b, ",upperdir=%d,workdir=%d", l->fd[l->count - 2], l->fd[l->count - 1]);
    return buf_check(b, "the list of layers");
}

static struct err *overlay_mount(const struct sandbox_spec *spec, int target)
{
    AUTO_VALUE(buf_wipe) struct buf options = BUF(OPTIONS_MAX);
    AUTO_VALUE(layers_wipe) struct layers l = {0};
    AUTO(mem_free) char *place = mem_printf("%d", target);
    unsigned long flags = spec->insecure ? 0 : MS_NODEV;

    TRY(overlay_options(&options, &l, spec));
    if (chdir("/proc/self/fd") != 0)
        return err_as(err_sys("enter /proc/self/fd"), ERR_UNSUPPORTED);
    /* What a command leaves unfinished is thrown away, so nothing need be synchronised while it runs. */
    AUTO(mem_free) char *hasty = mem_printf("%s,volatile", buf_text(&options));
    int failed = mount("overlay", place, "overlay", flags, hasty);
    if (failed && errno == EINVAL)
        failed = mount("overlay", place, "overlay", flags, buf_text(&options));
    struct err *e = failed ? err_sys("mount an overlay on %s", spec->upper) : NULL;
    if (e && err_kind_of(e) != ERR_RESOURCE)
        e = err_hint(err_as(e, ERR_UNSUPPORTED),
                     "the file system of this directory may not serve as the upper one of an overlay");
    if (chdir("/") != 0 && !e)
        e = err_sys("enter /");
    return e;
}

/* Linux wants the root to be a mount of its own. */
static struct err *plain_mount(const struct sandbox_spec *spec, int target)
{
    AUTO(fd_close) int tree = -1;

    TRY(err_as(mountfd_clone(&tree, target, "", true), ERR_UNSUPPORTED));
    if (!spec->insecure)
        TRY(mountfd_restrict(tree, MOUNT_ATTR_NODEV, "the root"));
    return mountfd_attach(tree, target, "the root");
}

struct err *root_mount(struct inside *in)
{
    const struct sandbox_spec *spec = &in->spec;
    const char *changes = spec->way.overlay ? spec->upper : spec->root;
    AUTO(fd_close) int target = -1;

    TRY(fs_open(&in->upper, AT_FDCWD, changes, O_RDONLY | O_DIRECTORY, 0));
    if (spec->way.ids == SANDBOX_CHROOT)
        return fs_open(&in->root, AT_FDCWD, spec->root, O_RDONLY | O_DIRECTORY, 0);
    TRY(fs_open(&target, AT_FDCWD, spec->root, O_PATH | O_DIRECTORY, 0));
    TRY(spec->way.overlay ? overlay_mount(spec, target) : plain_mount(spec, target));
    TRY(fs_open(&in->root, AT_FDCWD, spec->root, O_RDONLY | O_DIRECTORY, 0));
    return mountfd_clone(&in->clean, in->root, "", false);
}

/* The old root ends up on top of the new one, and goes from there. */
struct err *root_enter(struct inside *in)
{
    if (fchdir(in->root) != 0)
        return err_sys("enter the root");
    if (syscall(SYS_pivot_root, ".", ".") != 0)
        return err_as(err_sys("change the root directory"), ERR_UNSUPPORTED);
    if (umount2(".", MNT_DETACH) != 0)
        return err_sys("let go of the old root directory");
    return chdir("/") == 0 ? NULL : err_sys("enter /");
}
