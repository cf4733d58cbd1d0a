/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/token.h"

#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define TOKEN_BASE (1ULL << 50)
#define TOKENS_MAX 65536U
/* Together, of all credentials. */
#define GROUPS_MAX (4U << 20)

struct tokens {
    struct credentials *item;
    size_t count, room, groups;
};

struct tokens *tokens_new(void)
{
    struct tokens *t = mem_zero(1, sizeof *t);
    struct credentials root = {.permitted = true, .effective = true};

    MEM_PUSH(t->item, t->count, t->room, root);
    return t;
}

void tokens_free(struct tokens *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->count; i++)
        free((void *)(uintptr_t)t->item[i].groups);
    free(t->item);
    free(t);
}

const struct credentials *tokens_get(const struct tokens *t, size_t number)
{
    return &t->item[number < t->count ? number : 0];
}

static bool same(const struct credentials *a, const struct credentials *b)
{
    return a->uid == b->uid && a->euid == b->euid && a->suid == b->suid && a->fsuid == b->fsuid &&
           a->gid == b->gid && a->egid == b->egid && a->sgid == b->sgid && a->fsgid == b->fsgid &&
           a->securebits == b->securebits && a->permitted == b->permitted && a->effective == b->effective &&
           a->no_new_privs == b->no_new_privs && a->umask_known == b->umask_known && a->umask == b->umask &&
           a->group_count == b->group_count &&
           (a->group_count == 0 || memcmp(a->groups, b->groups, a->group_count * sizeof *a->groups) == 0);
}

static int compare(const void *a, const void *b)
{
    const uint32_t *left = a, *right = b;

    return (*left > *right) - (*left < *right);
}

size_t tokens_number(struct tokens *t, const struct credentials *c)
{
    AUTO(mem_free) uint32_t *groups = NULL;
    struct credentials added = *c;

    /* The kernel sorts them too. */
    if (c->group_count > 0) {
        groups = mem_dup(c->groups, c->group_count * sizeof *c->groups);
        qsort(groups, c->group_count, sizeof *groups, compare);
        added.groups = groups;
    }
    /* The first one is always new: its number is known beforehand. */
    for (size_t i = t->count; i-- > 0 && t->count > TOKEN_FIRST;) {
        if (same(&t->item[i], &added))
            return i;
    }
    if (t->count >= TOKENS_MAX || c->group_count > GROUPS_MAX - t->groups)
        return SIZE_MAX;
    groups = NULL;
    t->groups += c->group_count;
    MEM_PUSH(t->item, t->count, t->room, added);
    return t->count - 1;
}

size_t token_read(pid_t thread)
{
    struct rlimit limit;

    if (prlimit(thread, RLIMIT_RTTIME, NULL, &limit) != 0 || limit.rlim_cur < TOKEN_BASE ||
        limit.rlim_cur >= TOKEN_BASE + TOKENS_MAX)
        return 0;
    return (size_t)(limit.rlim_cur - TOKEN_BASE);
}

int token_write(pid_t thread, size_t number)
{
    struct rlimit limit;

    if (prlimit(thread, RLIMIT_RTTIME, NULL, &limit) != 0)
        return errno;
    limit.rlim_cur = TOKEN_BASE + number;
    return prlimit(thread, RLIMIT_RTTIME, &limit, NULL) == 0 ? 0 : errno;
}

int token_begin(size_t number)
{
    return token_write(0, number);
}
