/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/capabilities.h"

#include "base/fs.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"
#include "sandbox/namespaces.h"
#include "sandbox/sandbox.h"
#include "sandbox/spec_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#define ANSWER_MAX (1u << 20)
#define END_MS 10000

static struct err *set_one(int dirfd, const char *path, const char *value, size_t len)
{
    AUTO(fd_close) int fd = -1;

    TRY(fs_open_no_links(&fd, dirfd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0));
    if (fsetxattr(fd, "security.capability", value, len, 0) == 0)
        return NULL;
    int saved = errno;
    AUTO(mem_free) char *safe = str_safe(path);
    errno = saved;
    return err_sys("set the capabilities of %s", safe);
}

/* The kernel writes down whose namespace it was. */
struct err *capabilities_serve(struct wire_in *request, int dirfd)
{
    AUTO_VALUE(buf_wipe) struct buf answer = BUF(sizeof(uint64_t));
    size_t count = wire_get_count(request);

    TRY(namespaces_enter_single(0, 0, 0));
    for (size_t i = 0; i < count && !request->bad; i++) {
        AUTO(mem_free) char *path = wire_get_text(request);
        size_t len;
        AUTO(mem_free) char *value = wire_get_bytes(request, &len);
        if (path && value)
            TRY(set_one(dirfd, path, value, len));
    }
    wire_put_u64(&answer, 0);
    errno = wire_send(SANDBOX_CONTROL, &answer, -1);
    return errno ? err_sys("answer") : NULL;
}

static struct err *hear(int control)
{
    AUTO_VALUE(buf_wipe) struct buf answer = BUF(ANSWER_MAX);
    struct sandbox_result none = {0};
    bool ended;

    TRY(wire_receive(control, &answer, NULL, &ended));
    if (ended)
        return err_new(ERR_RESOURCE, "the process that sets capabilities ended early");
    struct wire_in in = {.at = answer.data, .left = answer.len};
    if (wire_get_u64(&in) == 0)
        return NULL;
    return result_wire_get(&none, &in);
}

static struct err *ask(struct proc_child *child, int dirfd, const struct buf *request)
{
    AUTO(fd_close) int ours = -1;
    AUTO(fd_close) int theirs = -1;
    AUTO(fd_close) int dir = fcntl(dirfd, F_DUPFD_CLOEXEC, PROC_FD_MAX);
    int pair[2], status;
    bool ended;

    TRY(wire_pair(pair));
    ours = pair[0];
    theirs = pair[1];
    if (dir < 0)
        return err_sys("keep a directory open");
    const struct proc_fd fds[] = {{theirs, SANDBOX_CONTROL}, {dir, SANDBOX_OUTPUT}};
    TRY(proc_start_self(child, SANDBOX_MODE, fds, ARRAY_LEN(fds)));
    fd_close(fd_take(&theirs));
    errno = wire_send(ours, request, -1);
    if (errno && errno != EPIPE)
        return err_sys("talk to the process that sets capabilities");
    TRY(hear(ours));
    return proc_child_wait(child, END_MS, &ended, &status);
}

struct err *sandbox_set_capabilities(int dirfd, const struct sandbox_capability *item, size_t count)
{
    AUTO_VALUE(buf_wipe) struct buf request = BUF(WIRE_MAX);
    struct proc_child child = {.pid_fd = -1};

    if (count == 0)
        return NULL;
    wire_put_u64(&request, REQUEST_CAPABILITIES);
    wire_put_u64(&request, count);
    for (size_t i = 0; i < count; i++) {
        wire_put_text(&request, item[i].path);
        wire_put_bytes(&request, item[i].value, item[i].value_len);
    }
    struct err *e = buf_check(&request, "the list of files with capabilities");
    if (!e)
        e = ask(&child, dirfd, &request);
    proc_child_end(&child);
    return e;
}
