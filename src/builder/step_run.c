/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/step_run.h"

#include "base/lock.h"
#include "base/log.h"
#include "builder/explain.h"
#include "builder/listings.h"
#include "builder/ready.h"
#include "builder/run_plan.h"
#include "builder/schedule.h"
#include "builder/stepcache.h"
#include "builder/stepkey.h"

#define WAKE_MS 500

/* What the step depends on, in one to three ways to say it. */
struct keys {
    struct step_record record[3];
    size_t count;
};

static void keys_wipe(struct keys *k)
{
    for (size_t i = 0; i < k->count; i++)
        steprecord_wipe(&k->record[i]);
}

/* A mount that cannot be read is the command's affair; then nothing is remembered. */
static struct err *add_key(struct keys *k, struct builder *b, struct stage *s, const struct run_plan *plan,
                           enum stepkey_mounts how)
{
    AUTO_VALUE(steprecord_wipe) struct step_record record = {0};
    struct err *e = stepkey_make(&record, b, s, plan, how);
    if (e && (err_kind_of(e) == ERR_STOPPED || err_kind_of(e) == ERR_RESOURCE))
        return e;
    if (e)
        log_debug("step cache: %s: not for this step", err_message(e));
    if (!e) {
        k->record[k->count++] = record;
        record = (struct step_record){0};
    }
    err_free(e);
    return NULL;
}

static struct err *try_from(const struct keys *k, size_t first, struct builder *b, struct stage *s,
                            bool *cached, bool *empty)
{
    for (size_t i = first; i < k->count && stepcache_allows(b, s) && !*cached; i++)
        TRY(stepcache_take(b, s, &k->record[i], cached, empty));
    return NULL;
}

static bool is_under_way(const struct builder *b, const struct digest *key)
{
    for (size_t i = 0; i < b->plan.count; i++)
        if (digest_is_set(&b->stage[i].running) && digest_equal(&b->stage[i].running, key))
            return true;
    return false;
}

/* When another stage is at the same step, let it come to its end: what it makes can be taken then. Nobody
 * waits in a circle, as who is at a step needs no other stage any more. */
static struct err *begin(struct builder *b, struct stage *s, const struct keys *k)
{
    struct digest key;
    if (!k->count || b->cache_dir < 0 || !stepcache_allows(b, s))
        return NULL;
    TRY(steprecord_key(&k->record[0], &key));
    while (is_under_way(b, &key)) {
        TRY(schedule_check(b));
        lock_wait(b->lock, WAKE_MS);
    }
    s->running = key;
    return NULL;
}

static void end(struct builder *b, struct stage *s)
{
    s->running = (struct digest){0};
    lock_wake(b->lock);
}

/* By what can be known without files first. Who writes a cache for others wants all keys in any case, and
 * before the step's own layer is on the stage. */
static struct err *take(struct keys *k, struct builder *b, struct stage *s, const struct run_plan *plan,
                        bool *cached, bool *empty)
{
    bool two = stepkey_has_two(plan), both = !two || b->notes;
    if (b->cache_dir < 0 && !b->imported && !b->notes)
        return NULL;
    if (two)
        TRY(add_key(k, b, s, plan, STEPKEY_BY_LAYERS));
    if (both)
        TRY(add_key(k, b, s, plan, STEPKEY_AT_HAND));
    TRY(begin(b, s, k));
    TRY(try_from(k, 0, b, s, cached, empty));
    if (!*cached && two && !(both && k->count && stepkey_is_whole(&k->record[k->count - 1]))) {
        size_t tried = k->count;
        TRY(add_key(k, b, s, plan, STEPKEY_READ));
        TRY(try_from(k, tried, b, s, cached, empty));
    }
    for (size_t i = 0; i < k->count && *cached; i++)
        stepcache_note(b, s, &k->record[i], *empty);
    return NULL;
}

/* The command itself works on layers that were verified. */
static bool shows_claims(const struct run_plan *plan)
{
    for (size_t i = 0; i < plan->mount_count; i++)
        if (stage_is_claimed(plan->mount[i].from))
            return true;
    return false;
}

static struct err *run(struct builder *b, struct stage *s, const struct instr *instr, unsigned id,
                       bool *cached)
{
    AUTO_VALUE(run_plan_wipe) struct run_plan plan = {0};
    AUTO_VALUE(keys_wipe) struct keys keys = {0};
    bool empty = true;
    *cached = false;
    TRY(run_plan_make(&plan, b, s, instr));
    TRY(builder_mistake(b, instr->at, take(&keys, b, s, &plan, cached, &empty)));
    if (*cached)
        explain_taken(b, s, s->taken_from);
    else if (keys.count)
        explain_missed(b, s, &(struct explain_step){.record = &keys.record[keys.count - 1], .plan = &plan});
    if (!*cached) {
        ready_made(b);
        TRY(run_plan_execute(&plan, b, s, instr, id, &empty));
        for (size_t i = 0; i < keys.count && !plan.faked; i++)
            stepcache_keep(b, s, &keys.record[i], empty, shows_claims(&plan));
        listings_keep(b, s);
        stepcache_keep_base(b, s);
    }
    for (size_t i = 0; i < keys.count && (!*cached || b->notes); i++)
        listings_keep_mounts(b, &plan, &keys.record[i]);
    stage_history(b, s, plan.created_by, empty);
    return NULL;
}

struct err *step_run(struct builder *b, struct stage *s, const struct instr *instr, unsigned id, bool *cached)
{
    struct err *e = run(b, s, instr, id, cached);
    end(b, s);
    return e;
}
