/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/plan.h"

#include "base/mem.h"
#include "base/num.h"
#include "builder/check.h"
#include "builder/expand.h"
#include "image/ref.h"

#include <inttypes.h>

static const char *const predefined[] = {
    "HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "FTP_PROXY",
    "ftp_proxy",  "NO_PROXY",   "no_proxy",    "ALL_PROXY",   "all_proxy",
};

bool plan_arg_is_predefined(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(predefined); i++)
        if (str_eq(name, predefined[i]))
            return true;
    return false;
}

/* What the user gave with --build-arg wins over the automatic value. */
static void set_default(struct plan *p, const char *key, const char *value)
{
    const char *given = strmap_get(&p->build_args, key);
    strmap_set(&p->global_args, key, given ? given : value);
}

static void platform_args(struct plan *p, const char *prefix, const struct platform *platform)
{
    char text[PLATFORM_TEXT];
    const struct {
        const char *suffix, *value;
    } parts[] = {
        {"PLATFORM", platform_text(platform, text)},
        {"OS", platform->os},
        {"OSVERSION", platform->os_version},
        {"ARCH", platform->architecture},
        {"VARIANT", platform->variant},
    };
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        AUTO(mem_free) char *key = mem_printf("%s%s", prefix, parts[i].suffix);
        set_default(p, key, parts[i].value);
    }
}

static void declare(struct plan *p, const char *name)
{
    if (name && !strlist_has(&p->declared, name))
        strlist_add(&p->declared, name);
}

/* ARG before the first FROM. */
static void global_arg(struct plan *p, const struct instr *arg)
{
    struct expand_env env = expand_env_map(&p->global_args);
    for (size_t i = 0; i < arg->pair.count; i++) {
        const struct pair *pair = &arg->pair.item[i];
        const char *given = strmap_get(&p->build_args, pair->key.text);
        declare(p, pair->key.text);
        if (given) {
            strmap_set(&p->global_args, pair->key.text, given);
        } else if (pair->value.text) {
            AUTO(mem_free) char *value = NULL;
            struct err *e = expand_word(&value, pair->value.text, &env, p->file->escape, 0, NULL);
            if (e)
                diag_mistake_err(p->diag, pair->value.at, e);
            else
                strmap_set(&p->global_args, pair->key.text, value);
        }
    }
}

/* Names of arguments that a FROM asked for and that have no value. */
static void warn_unset(struct plan *p, struct span at, const struct expand_used *used)
{
    for (size_t i = 0; i < used->unset.count; i++)
        diag_warn(p->diag, at, "UndefinedArgInFrom", "FROM argument '%s' is not declared",
                  used->unset.item[i]);
}

static char *expand_from(struct plan *p, const struct word *word)
{
    AUTO_VALUE(expand_used_wipe) struct expand_used used = {0};
    struct expand_env env = expand_env_map(&p->global_args);
    char *value = NULL;
    struct err *e = expand_word(&value, word->text, &env, p->file->escape, 0, &used);
    if (e) {
        diag_mistake_err(p->diag, word->at, e);
        return NULL;
    }
    warn_unset(p, word->at, &used);
    return value;
}

static void stage_platform(struct plan *p, struct stage_plan *s)
{
    if (!s->from->from.platform.text)
        return;
    AUTO(mem_free) char *text = expand_from(p, &s->from->from.platform);
    if (!text)
        return;
    if (str_empty(text)) {
        diag_mistake(p->diag, s->from->from.platform.at, "a platform such as linux/arm64", NULL,
                     "empty platform value from expression %s", s->from->from.platform.text);
        return;
    }
    struct err *e = platform_parse(&s->platform, text);
    if (e)
        diag_mistake_err(p->diag, s->from->from.platform.at, err_as(e, ERR_INPUT));
}

static void stage_base(struct plan *p, struct stage_plan *s)
{
    const struct word *word = &s->from->from.image;
    s->base = expand_from(p, word);
    if (!s->base)
        return;
    if (str_empty(s->base)) {
        diag_mistake(p->diag, word->at, "an image, a stage or scratch",
                     "give the ARG a default, or a value with --build-arg",
                     "base name (%s) should not be blank", word->text);
        return;
    }
    for (unsigned i = s->number; i-- > 0;)
        if (p->stage[i].name && str_eq_nocase(p->stage[i].name, s->base)) {
            s->base_stage = (int)i;
            return;
        }
    s->scratch = str_eq(s->base, "scratch");
    struct ref ref = {0};
    struct err *e = s->scratch ? NULL : ref_parse(&ref, s->base);
    ref_wipe(&ref);
    if (e)
        diag_mistake_err(p->diag, word->at, e);
}

static void add_stage(struct plan *p, const struct instr *from)
{
    MEM_PUSH(p->stage, p->count, p->room,
             (struct stage_plan){.from = from, .first = from + 1, .base_stage = -1});
    struct stage_plan *s = &p->stage[p->count - 1];
    s->number = (unsigned)(p->count - 1);
    if (from->broken)
        return;
    s->name = from->from.name.text;
    for (size_t i = 0; s->name && i + 1 < p->count; i++)
        if (p->stage[i].name && str_eq(p->stage[i].name, s->name))
            diag_warn(p->diag, from->from.name.at, "DuplicateStageName",
                      "duplicate stage name '%s', stage names should be unique", s->name);
    stage_base(p, s);
    stage_platform(p, s);
}

struct err *plan_find_stage(const struct plan *p, const char *name, unsigned from, int *number)
{
    uint64_t index = 0;
    *number = -1;
    if (num_parse(name, UINT32_MAX, &index)) {
        if (index >= p->count)
            return err_hint(err_new(ERR_INPUT, "there is no stage %" PRIu64, index),
                            "stages are numbered from 0 to %zu", p->count - 1);
        if (index >= from)
            return err_new(ERR_INPUT,
                           "cannot copy from stage %" PRIu64 ": it must come before the stage that uses it",
                           index);
        *number = (int)index;
        return NULL;
    }
    /* The last stage of a name wins, as in BuildKit; one that comes later is a mistake and not an image. */
    for (size_t i = p->count; i-- > 0;)
        if (p->stage[i].name && str_eq_nocase(p->stage[i].name, name)) {
            if (i >= from)
                return err_new(ERR_INPUT,
                               "cannot copy from stage \"%s\": it must come before the stage that uses it",
                               name);
            *number = (int)i;
            return NULL;
        }
    return NULL;
}

/* --from of one instruction: no variables, an earlier stage, or an image. */
static void check_from(struct plan *p, const struct stage_plan *s, const struct instr *copy)
{
    const struct word *from = &copy->copy.from;
    if (!from->text)
        return;
    struct strmap none = {0};
    struct expand_env env = expand_env_map(&none);
    AUTO(mem_free) char *expanded = NULL;
    struct err *e = expand_word(&expanded, from->text, &env, p->file->escape, 0, NULL);
    if (!e && !str_eq(expanded, from->text))
        e = err_hint(err_new(ERR_INPUT, "variables are not expanded in --from"),
                     "define a stage with FROM ${…} AS name before, and copy from that name");
    int number = -1;
    if (!e)
        e = plan_find_stage(p, from->text, s->number, &number);
    if (!e && number < 0 && !str_eq(from->text, "scratch")) {
        struct ref ref = {0};
        e = ref_parse(&ref, from->text);
        ref_wipe(&ref);
    }
    if (e)
        diag_mistake_err(p->diag, from->at, e);
}

/* from= of a RUN's mounts: likewise. That it has no variables was checked when it was read. */
static void check_mounts(struct plan *p, const struct stage_plan *s, const struct instr *run)
{
    for (size_t i = 0; i < run->mount_from.count; i++) {
        const struct word *from = &run->mount_from.item[i];
        int number = -1;
        struct err *e = plan_find_stage(p, from->text, s->number, &number);
        if (e) {
            err_free(e);
            e = err_new(ERR_INPUT,
                        "cannot mount from stage \"%s\", stage needs to be defined before current command",
                        from->text);
        } else if (number < 0 && !str_eq(from->text, "scratch")) {
            struct ref ref = {0};
            e = ref_parse(&ref, from->text);
            ref_wipe(&ref);
        }
        if (e)
            diag_mistake_err(p->diag, from->at, e);
    }
}

static void check_stage(struct plan *p, const struct stage_plan *s)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct instr *instr = &s->first[i];
        for (size_t k = 0; instr->kind == INSTR_ARG && k < instr->pair.count; k++)
            declare(p, instr->pair.item[k].key.text);
        if (instr->broken)
            continue;
        check_words(instr, p->file->escape, p->diag);
        if (instr->kind == INSTR_COPY || instr->kind == INSTR_ADD)
            check_from(p, s, instr);
        check_mounts(p, s, instr);
    }
}

/* Mark the stage and all that it stands on or copies from. Stages only refer to earlier ones, so this ends.
 */
static void mark_needed(struct plan *p, struct stage_plan *s);

static void mark_source(struct plan *p, const struct stage_plan *s, const char *from)
{
    int number = -1;
    err_free(plan_find_stage(p, from, s->number, &number));
    if (number >= 0)
        mark_needed(p, &p->stage[number]);
}

static void mark_needed(struct plan *p, struct stage_plan *s)
{
    if (s->needed)
        return;
    s->needed = true;
    if (s->base_stage >= 0)
        mark_needed(p, &p->stage[s->base_stage]);
    for (size_t i = 0; i < s->count; i++) {
        const struct instr *instr = &s->first[i];
        if (instr->kind == INSTR_COPY && instr->copy.from.text)
            mark_source(p, s, instr->copy.from.text);
        for (size_t k = 0; k < instr->mount_from.count; k++)
            mark_source(p, s, instr->mount_from.item[k].text);
    }
}

static struct err *find_target(struct plan *p, const char *target)
{
    p->target = &p->stage[p->count - 1];
    if (!target)
        return NULL;
    uint64_t number = 0;
    for (size_t i = p->count; i-- > 0;)
        if (p->stage[i].name && str_eq_nocase(p->stage[i].name, target)) {
            p->target = &p->stage[i];
            return NULL;
        }
    if (num_parse(target, p->count - 1, &number)) {
        p->target = &p->stage[number];
        return NULL;
    }
    AUTO_VALUE(strlist_wipe) struct strlist names = {0};
    for (size_t i = 0; i < p->count; i++)
        if (p->stage[i].name)
            strlist_add(&names, p->stage[i].name);
    AUTO(mem_free) char *list = strlist_join(&names, ", ");
    AUTO(mem_free) char *safe = str_safe(target);
    struct err *e = err_new(ERR_NOT_FOUND, "target stage \"%s\" is not in the Dockerfile", safe);
    if (names.count > 0)
        return err_hint(e, "its named stages are: %s", list);
    return err_hint(e, "its stages have no names: give a number, 0 is the first");
}

struct err *plan_make(struct plan *out, const struct dockerfile *file, struct diag *diag,
                      const struct plan_options *options)
{
    out->file = file;
    out->diag = diag;
    out->platform = options->platform;
    strmap_copy(&out->build_args, options->build_args);
    struct platform host = platform_host();
    platform_args(out, "BUILD", &host);
    platform_args(out, "TARGET", &options->platform);
    set_default(out, "TARGETSTAGE", options->target ? options->target : "default");

    for (size_t i = 0; i < file->count; i++) {
        const struct instr *instr = &file->item[i];
        if (instr->kind == INSTR_FROM)
            add_stage(out, instr);
        else if (out->count > 0)
            out->stage[out->count - 1].count++;
        else if (instr->kind == INSTR_ARG && !instr->broken)
            global_arg(out, instr);
    }
    for (size_t i = 0; i < out->count; i++)
        check_stage(out, &out->stage[i]);
    TRY(diag_error(diag));
    if (out->count == 0)
        return err_hint(err_new(ERR_INPUT, "%s: there is no stage to build", diag->file),
                        "it needs a FROM instruction");
    TRY(find_target(out, options->target));
    mark_needed(out, out->target);
    for (struct stage_plan *s = out->target; s; s = s->base_stage < 0 ? NULL : &out->stage[s->base_stage])
        s->result = true;
    return NULL;
}

void plan_wipe(struct plan *p)
{
    for (size_t i = 0; i < p->count; i++)
        free(p->stage[i].base);
    free(p->stage);
    strmap_wipe(&p->global_args);
    strmap_wipe(&p->build_args);
    strlist_wipe(&p->declared);
    *p = (struct plan){0};
}
