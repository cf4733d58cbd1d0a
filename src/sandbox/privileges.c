/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/privileges.h"

#include "base/fs.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The list of Docker and BuildKit. */
static const int kept[] = {
    CAP_CHOWN,   CAP_DAC_OVERRIDE, CAP_FSETID,           CAP_FOWNER,
    CAP_MKNOD,   CAP_NET_RAW,      CAP_SETGID,           CAP_SETUID,
    CAP_SETFCAP, CAP_SETPCAP,      CAP_NET_BIND_SERVICE, CAP_SYS_CHROOT,
    CAP_KILL,    CAP_AUDIT_WRITE,
};

static bool is_kept(int capability)
{
    for (size_t i = 0; i < ARRAY_LEN(kept); i++)
        if (kept[i] == capability)
            return true;
    return false;
}

struct err *privileges_drop(void)
{
    for (int c = 0; c < 64; c++) {
        int there = prctl(PR_CAPBSET_READ, c, 0, 0, 0);
        if (there < 0)
            break;
        if (there && !is_kept(c) && prctl(PR_CAPBSET_DROP, c, 0, 0, 0) != 0)
            return err_sys("drop capability %d", c);
    }
    return NULL;
}

struct err *privileges_hand_on_none(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (syscall(SYS_capget, &head, data) != 0)
        return err_sys("read capabilities");
    for (size_t i = 0; i < ARRAY_LEN(data); i++)
        data[i].inheritable = 0;
    if (syscall(SYS_capset, &head, data) != 0)
        return err_sys("drop capabilities");
    return NULL;
}

/* As the kernel has it from ABI 6 on; older headers know less. */
struct scopes {
    uint64_t files, network, scoped;
};
#define SCOPE_ABSTRACT_SOCKETS 1u
#define SCOPE_SIGNALS 2u
#define ABI_WITH_SCOPES 6

void privileges_scope(void)
{
    const struct scopes rules = {.scoped = SCOPE_ABSTRACT_SOCKETS | SCOPE_SIGNALS};

    if (syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) < ABI_WITH_SCOPES)
        return;
    AUTO(fd_close) int fd = (int)syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0);
    if (fd >= 0)
        (void)syscall(SYS_landlock_restrict_self, fd, 0);
}
