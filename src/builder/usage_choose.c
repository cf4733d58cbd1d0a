/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/str.h"
#include "builder/usage.h"

#include <stdlib.h>
#include <string.h>

static int by_use(const void *a, const void *b)
{
    const struct usage_entry *left = *(struct usage_entry *const *)a,
                             *right = *(struct usage_entry *const *)b;
    if (left->used.tv_sec != right->used.tv_sec)
        return left->used.tv_sec < right->used.tv_sec ? -1 : 1;
    if (left->used.tv_nsec != right->used.tv_nsec)
        return left->used.tv_nsec < right->used.tv_nsec ? -1 : 1;
    return strcmp(left->id, right->id);
}

enum part { PART_LARGE, PART_SMALL, PART_MOUNTS, PART_STORE };

static enum part part_of(const struct usage_entry *e, const struct usage_policy *policy)
{
    if (e->kind == USAGE_BLOBS)
        return PART_STORE;
    if (e->kind == USAGE_MOUNTS)
        return policy->mounts_apart ? PART_MOUNTS : PART_LARGE;
    return e->kind == USAGE_UNPACKED ? PART_LARGE : PART_SMALL;
}

static bool may_go(const struct usage_entry *e)
{
    return e->picked && !e->in_use && !e->chosen;
}

static uint64_t left_of(const struct usage *u, const struct usage_policy *policy, enum part part)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < u->count; i++)
        if (part_of(&u->item[i], policy) == part && !u->item[i].chosen)
            bytes += u->item[i].bytes;
    return bytes;
}

/* `order` has all entries, the longest unused first. Those without bytes go with the last that have some. */
static void choose_part(struct usage_entry **order, const struct usage *u, const struct usage_policy *policy,
                        enum part part, uint64_t keep)
{
    uint64_t left = left_of(u, policy, part);
    for (size_t i = 0; i < u->count && (left > keep || keep == 0); i++) {
        struct usage_entry *e = order[i];
        if (part_of(e, policy) != part || !may_go(e))
            continue;
        e->chosen = true;
        left -= e->bytes;
    }
}

/* Can the layer of a step still be had? Blobs that were not read stay. */
static bool layer_stays(const struct usage *u, const struct usage_entry *step)
{
    size_t gone = 0;
    for (size_t i = 0; i < u->count; i++) {
        const struct usage_entry *e = &u->item[i];
        if (e->kind == USAGE_UNPACKED && !e->chosen && !e->useless && str_eq(e->layer, step->layer))
            return true;
        gone += e->kind == USAGE_BLOBS && e->chosen && strlist_has(&step->blobs, e->id);
    }
    return gone < step->blobs.count;
}

void usage_choose(struct usage *u, const struct usage_policy *policy)
{
    AUTO(mem_free) struct usage_entry **order = mem_zero(u->count + 1, sizeof *order);
    for (size_t i = 0; i < u->count; i++) {
        order[i] = &u->item[i];
        u->item[i].chosen = false;
        u->item[i].chosen = may_go(&u->item[i]) && (u->item[i].useless || u->item[i].kind == USAGE_BLOBS);
    }
    qsort(order, u->count, sizeof(struct usage_entry *), by_use);
    uint64_t small = left_of(u, policy, PART_SMALL);
    uint64_t theirs = small < policy->keep / 4 ? small : policy->keep / 4;
    choose_part(order, u, policy, PART_LARGE, policy->keep - theirs);
    uint64_t large = left_of(u, policy, PART_LARGE);
    choose_part(order, u, policy, PART_SMALL, policy->keep > large ? policy->keep - large : 0);
    if (policy->mounts_apart)
        choose_part(order, u, policy, PART_MOUNTS, policy->keep_mounts);
    for (size_t i = 0; i < u->count; i++) {
        struct usage_entry *e = &u->item[i];
        if (e->kind == USAGE_STEPS && e->layer && may_go(e) && !layer_stays(u, e))
            e->chosen = true;
    }
}
