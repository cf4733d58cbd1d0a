/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"
#include "sandbox/emulate_inner.h"
#include "sandbox/filter_rules.h"
#include "sandbox/memory.h"

#include <errno.h>
#include <sys/socket.h>

/* The arguments are in memory, which another thread may change before the kernel reads them again. So the
 * socket is made from what was looked at. */
static struct answer make_socket(const struct ask *a)
{
    uint32_t arguments[3];
    AUTO(fd_close) int made = -1;
    int error = memory_read(a->thread, a->arg[1], arguments, sizeof arguments);

    if (error != 0)
        return answer_error(error);
    if (filter_rules_denied_socket(arguments[0]))
        return answer_error(EPERM);
    made = socket((int)arguments[0], (int)arguments[1] | SOCK_CLOEXEC, (int)arguments[2]);
    if (made < 0)
        return answer_error(errno);
    error = ask_send_fd(a, made, (arguments[1] & SOCK_CLOEXEC) != 0);
    return error != 0 ? answer_error(error) : (struct answer){.kind = ANSWER_SENT};
}

struct answer answer_socketcall(struct ask *a)
{
    return (uint32_t)a->arg[0] == FILTER_SOCKETCALL_SOCKET ? make_socket(a) : answer_bind(a);
}
