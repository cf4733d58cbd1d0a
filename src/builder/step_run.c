/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/step_run.h"

#include "builder/run_plan.h"

struct err *step_run(struct builder *b, struct stage *s, const struct instr *instr, unsigned id)
{
    AUTO_VALUE(run_plan_wipe) struct run_plan plan = {0};
    bool empty = true;
    TRY(run_plan_make(&plan, b, s, instr));
    TRY(run_plan_execute(&plan, b, s, instr, id, &empty));
    stage_history(b, s, plan.created_by, empty);
    return NULL;
}
