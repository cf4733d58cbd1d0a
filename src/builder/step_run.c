/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/step_run.h"

#include "base/log.h"
#include "builder/run_plan.h"
#include "builder/stepcache.h"
#include "builder/stepkey.h"

/* What the step depends on. A mount that cannot be read is the command's affair; then nothing is remembered.
 */
static struct err *make_key(struct step_record *out, struct builder *b, struct stage *s,
                            const struct run_plan *plan, bool *known)
{
    if (b->cache_dir < 0)
        return NULL;
    struct err *e = stepkey_make(out, b, s, plan);
    if (e && (err_kind_of(e) == ERR_STOPPED || err_kind_of(e) == ERR_RESOURCE))
        return e;
    if (e)
        log_debug("step cache: %s: not for this step", err_message(e));
    *known = !e;
    err_free(e);
    return NULL;
}

struct err *step_run(struct builder *b, struct stage *s, const struct instr *instr, unsigned id, bool *cached)
{
    AUTO_VALUE(run_plan_wipe) struct run_plan plan = {0};
    AUTO_VALUE(steprecord_wipe) struct step_record record = {0};
    bool known = false, empty = true;
    *cached = false;
    TRY(run_plan_make(&plan, b, s, instr));
    TRY(builder_mistake(b, instr->at, make_key(&record, b, s, &plan, &known)));
    if (known && stepcache_allows(b, s))
        TRY(builder_mistake(b, instr->at, stepcache_take(b, s, &record, cached, &empty)));
    if (!*cached) {
        TRY(run_plan_execute(&plan, b, s, instr, id, &empty));
        if (known && !plan.faked)
            stepcache_keep(b, s, &record, empty);
    }
    stage_history(b, s, plan.created_by, empty);
    return NULL;
}
