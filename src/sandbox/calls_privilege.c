/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/emulate_inner.h"

#include "sandbox/calls_id.h"
#include "sandbox/memory.h"
#include "sandbox/peer.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/prctl.h>
#include <linux/securebits.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * A process that believes to be somebody else has all its capabilities still. While it ought to have none, or
 * none in effect, it is told so; what it does to them otherwise, the kernel does.
 */
static struct answer get_capabilities(const struct ask *a, const struct credentials *c)
{
    struct __user_cap_header_struct header = {0};
    struct __user_cap_data_struct data[2] = {{0}};
    size_t parts;
    int error;

    if ((c->permitted && c->effective) || a->arg[1] == 0 ||
        memory_read(a->thread, a->arg[0], &header, sizeof header) != 0 || header.pid < 0 ||
        (header.pid > 0 && !peer_is_self(a->e->proc, a->thread, header.pid)))
        return answer_continue();
    if (header.version == _LINUX_CAPABILITY_VERSION_1)
        parts = 1;
    else if (header.version == _LINUX_CAPABILITY_VERSION_2 || header.version == _LINUX_CAPABILITY_VERSION_3)
        parts = 2;
    else
        return answer_continue();
    if (c->permitted) {
        struct __user_cap_header_struct real = {_LINUX_CAPABILITY_VERSION_3, a->thread};

        if (syscall(SYS_capget, &real, data) != 0)
            return answer_continue();
        data[0].effective = data[1].effective = 0;
    }
    if (!ask_is_valid(a))
        return answer_continue();
    error = memory_write(a->thread, a->arg[1], data, parts * sizeof data[0]);
    return error != 0 ? answer_error(error) : answer_value(0);
}

static struct answer set_capabilities(struct ask *a, const struct credentials *c)
{
    struct __user_cap_header_struct header = {0};
    struct __user_cap_data_struct data[2] = {{0}};
    struct credentials changed = *c;
    size_t parts;

    if ((c->permitted && c->effective) || memory_read(a->thread, a->arg[0], &header, sizeof header) != 0)
        return answer_continue();
    parts = header.version == _LINUX_CAPABILITY_VERSION_1 ? 1 : 2;
    if (memory_read(a->thread, a->arg[1], data, parts * sizeof data[0]) != 0)
        return answer_continue();
    if (!c->permitted) {
        bool wants = data[0].permitted || data[1].permitted || data[0].effective || data[1].effective;

        return wants ? answer_error(EPERM) : answer_value(0);
    }
    if (data[0].effective || data[1].effective) {
        changed.effective = true;
        (void)id_take_credentials(a, &changed);
    }
    return answer_continue();
}

static struct answer keep_capabilities(struct ask *a, struct credentials *c)
{
    if (a->arg[1] > 1)
        return answer_error(EINVAL);
    if (c->securebits & SECBIT_KEEP_CAPS_LOCKED)
        return answer_error(EPERM);
    if (a->arg[1])
        c->securebits |= SECBIT_KEEP_CAPS;
    else
        c->securebits &= ~(uint32_t)SECBIT_KEEP_CAPS;
    return id_take_credentials(a, c);
}

static struct answer set_securebits(struct ask *a, struct credentials *c)
{
    uint32_t wanted = (uint32_t)a->arg[1], locked = c->securebits & SECURE_ALL_LOCKS;

    /* A lock stands one bit above what it locks. */
    if (!c->effective || (wanted & ~(uint32_t)(SECURE_ALL_BITS | SECURE_ALL_LOCKS)) || (locked & ~wanted) ||
        (((wanted ^ c->securebits) & (locked >> 1)) != 0))
        return answer_error(EPERM);
    c->securebits = wanted;
    return id_take_credentials(a, c);
}

static struct answer process_option(struct ask *a, const struct credentials *now)
{
    struct credentials c = *now;

    switch (a->arg[0]) {
    case PR_GET_KEEPCAPS:
        return answer_value((c.securebits & SECBIT_KEEP_CAPS) != 0);
    case PR_SET_KEEPCAPS:
        return keep_capabilities(a, &c);
    case PR_GET_SECUREBITS:
        return answer_value(c.securebits);
    case PR_SET_SECUREBITS:
        return set_securebits(a, &c);
    case PR_GET_NO_NEW_PRIVS:
        return a->arg[1] || a->arg[2] || a->arg[3] || a->arg[4] ? answer_continue()
                                                                : answer_value(c.no_new_privs);
    case PR_SET_NO_NEW_PRIVS:
        if (a->arg[1] != 1 || a->arg[2] || a->arg[3] || a->arg[4])
            return answer_continue();
        c.no_new_privs = true;
        return id_take_credentials(a, &c);
    default:
        return answer_continue();
    }
}

struct answer answer_privilege(struct ask *a)
{
    const struct credentials *c = ask_credentials(a);

    if (a->call == CALL_CAPGET)
        return get_capabilities(a, c);
    if (a->call == CALL_CAPSET)
        return set_capabilities(a, c);
    return process_option(a, c);
}

/* The limit that holds the token seems to be what it always is. */
struct answer answer_limit(struct ask *a)
{
    static const uint64_t wide[2] = {RLIM_INFINITY, RLIM_INFINITY};
    static const uint32_t narrow[2] = {UINT32_MAX, UINT32_MAX};
    bool short_form = a->arch == CALLS_COMPAT && a->form == CALLS_NARROW;
    uint64_t to = a->arg[a->call == CALL_PRLIMIT ? 3 : 1];
    int error;

    if (a->call == CALL_SETRLIMIT || (a->call == CALL_PRLIMIT && to == 0))
        return answer_value(0);
    if (!ask_is_valid(a))
        return answer_continue();
    error = short_form ? memory_write(a->thread, to, narrow, sizeof narrow)
                       : memory_write(a->thread, to, wide, sizeof wide);
    return error != 0 ? answer_error(error) : answer_value(0);
}
