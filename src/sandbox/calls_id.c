/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/emulate_inner.h"

#include "base/mem.h"
#include "sandbox/calls_id.h"
#include "sandbox/memory.h"

#include <errno.h>
#include <linux/securebits.h>

#define UNCHANGED UINT32_MAX
#define GROUPS_PER_PROCESS 65536U

static uint32_t id_of(const struct ask *a, size_t index)
{
    if (a->form == CALLS_NARROW)
        return (uint16_t)a->arg[index] == UINT16_MAX ? UNCHANGED : (uint16_t)a->arg[index];
    return (uint32_t)a->arg[index];
}

static uint32_t shown(const struct ask *a, uint32_t id)
{
    return a->form == CALLS_NARROW && id > UINT16_MAX ? 65534 : id;
}

struct answer id_take_credentials(struct ask *a, const struct credentials *c)
{
    size_t old = token_read(a->thread), number = tokens_number(a->e->tokens, c);
    int error;

    if (number == SIZE_MAX)
        return answer_error(EAGAIN);
    if (number == old)
        return answer_value(0);
    if (!ask_is_valid(a))
        return answer_continue();
    error = token_write(a->thread, number);
    return error != 0 ? answer_error(error) : answer_value(0);
}

/* The ids of one sort, of users or of groups. */
struct ids {
    uint32_t *real, *effective, *saved, *file;
};

static bool is_one_of(uint32_t id, uint32_t a, uint32_t b, uint32_t c)
{
    return id == UNCHANGED || id == a || id == b || id == c;
}

/* setuid, setgid */
static bool set(struct ids ids, uint32_t id, bool privileged)
{
    if (privileged)
        *ids.real = *ids.saved = id;
    else if (id != *ids.real && id != *ids.saved)
        return false;
    *ids.effective = id;
    return true;
}

static bool set_two(struct ids ids, uint32_t real, uint32_t effective, bool privileged)
{
    uint32_t was = *ids.real;

    if (!privileged && (!is_one_of(real, *ids.real, *ids.effective, *ids.effective) ||
                        !is_one_of(effective, *ids.real, *ids.effective, *ids.saved)))
        return false;
    if (real != UNCHANGED)
        *ids.real = real;
    if (effective != UNCHANGED)
        *ids.effective = effective;
    if (real != UNCHANGED || (effective != UNCHANGED && effective != was))
        *ids.saved = *ids.effective;
    return true;
}

static bool set_three(struct ids ids, const uint32_t to[3], bool privileged)
{
    uint32_t *all[] = {ids.real, ids.effective, ids.saved};

    for (size_t i = 0; i < 3; i++) {
        if (!privileged && !is_one_of(to[i], *ids.real, *ids.effective, *ids.saved))
            return false;
    }
    for (size_t i = 0; i < 3; i++) {
        if (to[i] != UNCHANGED)
            *all[i] = to[i];
    }
    return true;
}

/* What becomes of capabilities when the ids of users changed: capabilities(7). */
static void fix_capabilities(struct credentials *c, const struct credentials *old)
{
    bool was_root = old->uid == 0 || old->euid == 0 || old->suid == 0;
    bool is_root = c->uid == 0 || c->euid == 0 || c->suid == 0;

    if (c->securebits & SECBIT_NO_SETUID_FIXUP)
        return;
    if (was_root && !is_root && !(c->securebits & SECBIT_KEEP_CAPS))
        c->permitted = c->effective = false;
    if (old->euid == 0 && c->euid != 0)
        c->effective = false;
    if (old->euid != 0 && c->euid == 0)
        c->effective = c->permitted;
}

static bool is_user_call(enum call call)
{
    return call == CALL_SETUID || call == CALL_SETREUID || call == CALL_SETRESUID || call == CALL_SETFSUID;
}

/* These give the old value, whatever happens. */
static struct answer set_file_id(struct ask *a, struct credentials *c, struct ids ids)
{
    uint32_t id = id_of(a, 0), old = *ids.file;

    if (id != UNCHANGED && (c->effective || is_one_of(id, *ids.real, *ids.effective, *ids.saved))) {
        *ids.file = id;
        (void)id_take_credentials(a, c);
    }
    return answer_value(shown(a, old));
}

struct answer answer_set_id(struct ask *a)
{
    const struct credentials old = *ask_credentials(a);
    struct credentials c = old;
    bool user = is_user_call(a->call), good;
    struct ids ids = user ? (struct ids){&c.uid, &c.euid, &c.suid, &c.fsuid}
                          : (struct ids){&c.gid, &c.egid, &c.sgid, &c.fsgid};
    const uint32_t three[] = {id_of(a, 0), id_of(a, 1), id_of(a, 2)};

    if (a->call == CALL_SETFSUID || a->call == CALL_SETFSGID)
        return set_file_id(a, &c, ids);
    if (a->call == CALL_SETUID || a->call == CALL_SETGID) {
        if (three[0] == UNCHANGED)
            return answer_error(EINVAL);
        good = set(ids, three[0], c.effective);
    } else if (a->call == CALL_SETREUID || a->call == CALL_SETREGID) {
        good = set_two(ids, three[0], three[1], c.effective);
    } else {
        good = set_three(ids, three, c.effective);
    }
    if (!good)
        return answer_error(EPERM);
    *ids.file = *ids.effective;
    if (user)
        fix_capabilities(&c, &old);
    return id_take_credentials(a, &c);
}

static struct answer write_three(const struct ask *a, uint32_t one, uint32_t two, uint32_t three)
{
    uint32_t ids[] = {shown(a, one), shown(a, two), shown(a, three)};

    if (!ask_is_valid(a))
        return answer_continue();
    for (size_t i = 0; i < 3; i++) {
        uint16_t narrow = (uint16_t)ids[i];
        int error = a->form == CALLS_NARROW ? memory_write(a->thread, a->arg[i], &narrow, sizeof narrow)
                                            : memory_write(a->thread, a->arg[i], &ids[i], sizeof ids[i]);

        if (error != 0)
            return answer_error(error);
    }
    return answer_value(0);
}

struct answer answer_get_id(struct ask *a)
{
    const struct credentials *c = ask_credentials(a);

    if (a->call == CALL_GETUID)
        return answer_value(shown(a, c->uid));
    if (a->call == CALL_GETEUID)
        return answer_value(shown(a, c->euid));
    if (a->call == CALL_GETGID)
        return answer_value(shown(a, c->gid));
    if (a->call == CALL_GETEGID)
        return answer_value(shown(a, c->egid));
    if (a->call == CALL_GETRESUID)
        return write_three(a, c->uid, c->euid, c->suid);
    return write_three(a, c->gid, c->egid, c->sgid);
}

static struct answer get_groups(const struct ask *a)
{
    const struct credentials *c = ask_credentials(a);
    AUTO(mem_free) uint16_t *narrow = NULL;
    int room = (int)a->arg[0], error;

    if (room < 0 || (room > 0 && (size_t)room < c->group_count))
        return answer_error(EINVAL);
    if (room == 0 || c->group_count == 0)
        return answer_value((int64_t)c->group_count);
    if (!ask_is_valid(a))
        return answer_continue();
    if (a->form == CALLS_NARROW) {
        narrow = mem_zero(c->group_count, sizeof *narrow);
        for (size_t i = 0; i < c->group_count; i++)
            narrow[i] = (uint16_t)shown(a, c->groups[i]);
        error = memory_write(a->thread, a->arg[1], narrow, c->group_count * sizeof *narrow);
    } else {
        error = memory_write(a->thread, a->arg[1], c->groups, c->group_count * sizeof *c->groups);
    }
    return error != 0 ? answer_error(error) : answer_value((int64_t)c->group_count);
}

static struct answer set_groups(struct ask *a)
{
    struct credentials c = *ask_credentials(a);
    AUTO(mem_free) uint32_t *groups = NULL;
    AUTO(mem_free) uint16_t *narrow = NULL;
    uint64_t count = (uint32_t)a->arg[0];
    int error = 0;

    if (!c.effective)
        return answer_error(EPERM);
    if (count > GROUPS_PER_PROCESS)
        return answer_error(EINVAL);
    groups = mem_zero((size_t)count + 1, sizeof *groups);
    if (a->form == CALLS_NARROW) {
        narrow = mem_zero((size_t)count + 1, sizeof *narrow);
        error = count > 0 ? memory_read(a->thread, a->arg[1], narrow, (size_t)count * sizeof *narrow) : 0;
        for (size_t i = 0; i < count; i++)
            groups[i] = narrow[i];
    } else if (count > 0) {
        error = memory_read(a->thread, a->arg[1], groups, (size_t)count * sizeof *groups);
    }
    if (error != 0)
        return answer_error(error);
    c.groups = groups;
    c.group_count = (size_t)count;
    return id_take_credentials(a, &c);
}

struct answer answer_groups(struct ask *a)
{
    return a->call == CALL_GETGROUPS ? get_groups(a) : set_groups(a);
}
