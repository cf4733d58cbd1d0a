/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/binfmt.h"

#include "base/fs.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static struct err *unsupported(struct err *e)
{
    return err_hint(
        err_as(e, ERR_UNSUPPORTED),
        "register the emulator on the host (the package qemu-user-static does), or use Linux 6.7 or later");
}

/* What is registered lives as long as this mount, which is held open and attached nowhere. */
struct err *binfmt_register(struct inside *in)
{
    AUTO(fd_close) int fd = -1;

    if (!in->spec.binfmt)
        return NULL;
    if (in->spec.way.ids == SANDBOX_HOST)
        return unsupported(err_new(ERR_UNSUPPORTED, "run programs of another architecture as real root"));
    struct err *e = mountfd_new(&in->binfmt, "binfmt_misc", NULL, 0, 0);
    if (e)
        return unsupported(e);
    TRY(fs_open(&fd, in->binfmt, "register", O_WRONLY, 0));
    if (write(fd, in->spec.binfmt, strlen(in->spec.binfmt)) < 0)
        return unsupported(err_sys("register an emulator"));
    return NULL;
}
