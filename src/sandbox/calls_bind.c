/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/calls_create.h"

#include "base/fs.h"
#include "sandbox/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* The address and its length, from either form of the call. */
static bool read_address(const struct ask *a, struct sockaddr_un *address)
{
    uint64_t at = a->arg[1], length = (uint32_t)a->arg[2];
    uint32_t arguments[3];

    if (a->form == CALLS_NARROW) {
        if (memory_read(a->thread, a->arg[1], arguments, sizeof arguments) != 0)
            return false;
        at = arguments[1];
        length = arguments[2];
    }
    memset(address, 0, sizeof *address);
    return length > offsetof(struct sockaddr_un, sun_path) && length <= sizeof *address &&
           memory_read(a->thread, at, address, (size_t)length) == 0;
}

struct answer answer_bind(struct ask *a)
{
    AUTO_VALUE(creation_wipe) struct creation c = {.parent = -1};
    struct sockaddr_un address;
    struct pending *p;

    if (creation_is_plain(a) || !read_address(a, &address) || address.sun_family != AF_UNIX ||
        address.sun_path[0] == '\0')
        return answer_continue();
    c.subject.by_fd = false;
    c.subject.fd = AT_FDCWD;
    c.subject.follow = false;
    memcpy(c.subject.path, address.sun_path, sizeof address.sun_path);
    c.subject.path[sizeof address.sun_path] = '\0';
    if (creation_find_parent(&c, a) != 0 || (c.uid == 0 && c.gid == 0) ||
        faccessat(c.parent, c.last, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return answer_continue();
    p = pending_add(a->e, fd_take(&c.parent), c.last);
    p->uid = c.uid;
    p->gid = c.gid;
    return answer_continue();
}
