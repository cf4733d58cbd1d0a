/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/stage_run.h"

#include "base/mem.h"
#include "builder/lookup.h"
#include "builder/meta.h"
#include "builder/schedule.h"
#include "builder/step.h"
#include "builder/step_run.h"

#include <stdlib.h>

static struct err *run_instr(struct builder *b, struct stage *s, const struct instr *instr,
                             const char *prefix)
{
    TRY(schedule_check(b));
    bool copies = instr->kind == INSTR_COPY || instr->kind == INSTR_ADD;
    if (!copies && instr->kind != INSTR_WORKDIR && instr->kind != INSTR_RUN)
        return meta_apply(b, s, instr);
    struct stage *from = NULL;
    if (copies && instr->copy.from.text)
        TRY(stage_source(b, s, &instr->copy.from, &from));
    AUTO(mem_free) char *text = mem_printf("%s%s", prefix, instr->text);
    bool cached = false;
    unsigned id = stage_step_begin(b, s, text);
    struct err *e = copies                     ? step_copy(b, s, instr, from, &cached)
                    : instr->kind == INSTR_RUN ? step_run(b, s, instr, id, &cached)
                                               : step_workdir(b, s, instr);
    /* A pass that is given up is not the user's affair. */
    bool again = e && (atomic_load(&b->ghost_needed) || atomic_load(&b->import_broken));
    stage_step_end(b, id, again ? "" : e ? err_message(e) : cached ? "CACHED" : "");
    b->steps++;
    if (cached)
        b->steps_cached += !strlist_has(&b->passes->ran, s->shown);
    else if (!e)
        strlist_add(&b->passes->ran, s->shown);
    return e;
}

/* The triggers of the base: of an image's config, or of the stage below. They run before the stage's own
 * instructions. */
static struct err *run_triggers(struct builder *b, struct stage *s)
{
    AUTO_VALUE(strlist_wipe) struct strlist triggers = {0};
    strlist_copy(&triggers, &s->config.onbuild);
    strlist_wipe(&s->config.onbuild);
    if (s->plan->base_stage >= 0)
        strlist_copy(&triggers, &b->stage[s->plan->base_stage].config.onbuild);
    for (size_t i = 0; i < triggers.count; i++) {
        struct instr instr = {0};
        struct err *e = dockerfile_parse_trigger(&instr, triggers.item[i]);
        instr.at = s->plan->from->at;
        if (!e)
            e = run_instr(b, s, &instr, "ONBUILD ");
        instr_wipe(&instr);
        if (e) {
            AUTO(mem_free) char *safe = str_safe(triggers.item[i]);
            return builder_mistake(b, s->plan->from->at, err_wrap(e, "ONBUILD %s", safe));
        }
    }
    return NULL;
}

static struct err *begin_stage(struct builder *b, struct stage *s)
{
    const struct stage_plan *p = s->plan;
    for (size_t i = 0; i < p->count; i++)
        s->steps += p->first[i].kind == INSTR_COPY || p->first[i].kind == INSTR_ADD ||
                    p->first[i].kind == INSTR_WORKDIR || p->first[i].kind == INSTR_RUN;
    if (p->base_stage >= 0) {
        TRY(schedule_need(b, &b->stage[p->base_stage]));
        stage_from_stage(s, &b->stage[p->base_stage]);
        return NULL;
    }
    const struct base_image *base = NULL;
    AUTO_VALUE(base_wipe) struct base_image scratch = {0};
    if (p->scratch) {
        base_scratch(&scratch, lookup_platform(b, p));
        return stage_from_image(b, s, &scratch);
    }
    s->steps++;
    AUTO(mem_free) char *text = mem_printf("FROM %s", p->base);
    unsigned id = stage_step_begin(b, s, text);
    struct err *e = lookup_base(b, p->base, lookup_platform(b, p), &base);
    stage_step_end(b, id, e ? err_message(e) : "");
    TRY(builder_mistake(b, p->from->from.image.at, e));
    return stage_from_image(b, s, base);
}

struct err *stage_run(struct builder *b, struct stage *s)
{
    TRY(begin_stage(b, s));
    TRY(run_triggers(b, s));
    for (size_t i = 0; i < s->plan->count; i++)
        TRY(run_instr(b, s, &s->plan->first[i], ""));
    return NULL;
}
