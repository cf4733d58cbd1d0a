/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/meta.h"

#include "base/buf.h"
#include "base/mem.h"
#include "builder/gotext.h"
#include "builder/port.h"
#include "builder/signalname.h"

#include <inttypes.h>

#define HISTORY_MAX (1u << 20)

/* The words of a JSON list, or the shell's words and the command line. */
static void command_line(const struct stage *s, const struct instr *instr, struct strlist *out)
{
    if (!instr->json && s->config.shell.count > 0) {
        strlist_copy(out, &s->config.shell);
    } else if (!instr->json) {
        strlist_add(out, "/bin/sh");
        strlist_add(out, "-c");
    }
    for (size_t i = 0; i < instr->arg.count; i++)
        strlist_add(out, instr->arg.item[i].text);
}

static void history(struct builder *b, struct stage *s, struct buf *text)
{
    stage_history(b, s, buf_text(text), true);
}

static struct err *apply_cmd(struct builder *b, struct stage *s, const struct instr *instr)
{
    AUTO_VALUE(buf_wipe) struct buf text = BUF(HISTORY_MAX);
    AUTO_VALUE(strlist_wipe) struct strlist line = {0};
    command_line(s, instr, &line);
    strlist_copy(&s->config.cmd, &line);
    s->config.has_cmd = true;
    s->config.args_escaped = true;
    s->cmd_set = true;
    buf_str(&text, "CMD ");
    gotext_quoted_list(&text, &s->config.cmd);
    history(b, s, &text);
    return NULL;
}

/* A CMD of the base belongs to the base's ENTRYPOINT and goes with it; one of this stage stays. */
static struct err *apply_entrypoint(struct builder *b, struct stage *s, const struct instr *instr)
{
    AUTO_VALUE(buf_wipe) struct buf text = BUF(HISTORY_MAX);
    AUTO_VALUE(strlist_wipe) struct strlist line = {0};
    command_line(s, instr, &line);
    strlist_copy(&s->config.entrypoint, &line);
    s->config.has_entrypoint = true;
    if (!s->cmd_set) {
        strlist_wipe(&s->config.cmd);
        s->config.has_cmd = false;
    }
    buf_str(&text, "ENTRYPOINT ");
    gotext_quoted_list(&text, &s->config.entrypoint);
    history(b, s, &text);
    return NULL;
}

/* Expand all pairs first: within one ENV, values see the environment before it. */
static struct err *expand_pairs(struct builder *b, struct stage *s, const struct instr *instr,
                                struct strmap *out)
{
    for (size_t i = 0; i < instr->pair.count; i++) {
        const struct pair *pair = &instr->pair.item[i];
        AUTO(mem_free) char *key = NULL;
        AUTO(mem_free) char *value = NULL;
        TRY(stage_expand(b, s, &pair->key, &key));
        TRY(stage_expand(b, s, &pair->value, &value));
        if (str_empty(key))
            return builder_mistake(b, pair->key.at,
                                   err_new(ERR_INPUT, "%s names can not be blank", instr_name(instr->kind)));
        strmap_add(out, key, value);
    }
    return NULL;
}

static struct err *apply_env(struct builder *b, struct stage *s, const struct instr *instr)
{
    AUTO_VALUE(strmap_wipe) struct strmap pairs = {0};
    AUTO_VALUE(buf_wipe) struct buf text = BUF(HISTORY_MAX);
    TRY(expand_pairs(b, s, instr, &pairs));
    buf_str(&text, "ENV");
    for (size_t i = 0; i < pairs.count; i++) {
        config_env_set(&s->config, pairs.key[i], pairs.value[i]);
        strmap_set(&s->env, pairs.key[i], pairs.value[i]);
        buf_printf(&text, " %s=%s", pairs.key[i], pairs.value[i]);
    }
    history(b, s, &text);
    return NULL;
}

static struct err *apply_label(struct builder *b, struct stage *s, const struct instr *instr)
{
    AUTO_VALUE(strmap_wipe) struct strmap pairs = {0};
    AUTO_VALUE(buf_wipe) struct buf text = BUF(HISTORY_MAX);
    TRY(expand_pairs(b, s, instr, &pairs));
    buf_str(&text, "LABEL");
    for (size_t i = 0; i < pairs.count; i++) {
        strmap_set(&s->config.labels, pairs.key[i], pairs.value[i]);
        buf_printf(&text, " %s=%s", pairs.key[i], pairs.value[i]);
    }
    history(b, s, &text);
    return NULL;
}

/* What --build-arg gave, else the default, else (without a default) the value before the first FROM. */
static struct err *arg_value(struct builder *b, struct stage *s, const struct pair *pair, char **out)
{
    const char *given = strmap_get(&b->plan.build_args, pair->key.text);
    if (!given && pair->value.text)
        return stage_expand(b, s, &pair->value, out);
    *out = mem_strdup(given ? given : strmap_get(&b->plan.global_args, pair->key.text));
    return NULL;
}

static struct err *apply_arg(struct builder *b, struct stage *s, const struct instr *instr)
{
    AUTO_VALUE(buf_wipe) struct buf text = BUF(HISTORY_MAX);
    buf_str(&text, "ARG");
    for (size_t i = 0; i < instr->pair.count; i++) {
        const struct pair *pair = &instr->pair.item[i];
        AUTO(mem_free) char *value = NULL;
        TRY(arg_value(b, s, pair, &value));
        buf_printf(&text, " %s", pair->key.text);
        if (!strlist_has(&s->args, pair->key.text))
            strlist_add(&s->args, pair->key.text);
        if (value) {
            buf_printf(&text, "=%s", value);
            strmap_set(&s->env, pair->key.text, value);
        }
    }
    history(b, s, &text);
    return NULL;
}

static void add_sorted_once(struct strlist *list, const char *text)
{
    if (strlist_has(list, text))
        return;
    strlist_add(list, text);
    strlist_sort(list);
}

static struct err *apply_expose(struct builder *b, struct stage *s, const struct instr *instr)
{
    AUTO_VALUE(strlist_wipe) struct strlist ports = {0};
    AUTO_VALUE(buf_wipe) struct buf text = BUF(HISTORY_MAX);
    for (size_t i = 0; i < instr->arg.count; i++) {
        AUTO_VALUE(strlist_wipe) struct strlist words = {0};
        TRY(stage_expand_words(b, s, &instr->arg.item[i], &words));
        for (size_t k = 0; k < words.count; k++)
            TRY(builder_mistake(b, instr->arg.item[i].at, port_parse(&ports, words.item[k])));
    }
    for (size_t i = 0; i < ports.count; i++)
        add_sorted_once(&s->config.ports, ports.item[i]);
    buf_str(&text, "EXPOSE ");
    gotext_list(&text, &ports);
    history(b, s, &text);
    return NULL;
}

static struct err *apply_volume(struct builder *b, struct stage *s, const struct instr *instr)
{
    AUTO_VALUE(strlist_wipe) struct strlist volumes = {0};
    AUTO_VALUE(buf_wipe) struct buf text = BUF(HISTORY_MAX);
    for (size_t i = 0; i < instr->arg.count; i++) {
        char *volume = NULL;
        TRY(stage_expand(b, s, &instr->arg.item[i], &volume));
        strlist_add_take(&volumes, volume);
        if (str_empty(volume))
            return builder_mistake(b, instr->arg.item[i].at,
                                   err_new(ERR_INPUT, "VOLUME can not be an empty string"));
    }
    for (size_t i = 0; i < volumes.count; i++)
        add_sorted_once(&s->config.volumes, volumes.item[i]);
    buf_str(&text, "VOLUME ");
    gotext_list(&text, &volumes);
    history(b, s, &text);
    return NULL;
}

static struct err *apply_healthcheck(struct builder *b, struct stage *s, const struct instr *instr)
{
    AUTO_VALUE(buf_wipe) struct buf text = BUF(HISTORY_MAX);
    const struct instr_health *from = &instr->health;
    struct config_health *to = s->config.health;
    if (!to)
        to = s->config.health = mem_zero(1, sizeof *to);
    strlist_copy(&to->test, &from->test);
    to->interval_ns = from->interval_ns;
    to->timeout_ns = from->timeout_ns;
    to->start_period_ns = from->start_period_ns;
    to->start_interval_ns = from->start_interval_ns;
    to->retries = from->retries;
    buf_str(&text, "HEALTHCHECK {Test:");
    gotext_list(&text, &to->test);
    buf_str(&text, " Interval:");
    gotext_duration(&text, to->interval_ns);
    buf_str(&text, " Timeout:");
    gotext_duration(&text, to->timeout_ns);
    buf_str(&text, " StartPeriod:");
    gotext_duration(&text, to->start_period_ns);
    buf_str(&text, " StartInterval:");
    gotext_duration(&text, to->start_interval_ns);
    buf_printf(&text, " Retries:%" PRIi64 "}", to->retries);
    history(b, s, &text);
    return NULL;
}

static struct err *apply_shell(struct builder *b, struct stage *s, const struct instr *instr)
{
    AUTO_VALUE(buf_wipe) struct buf text = BUF(HISTORY_MAX);
    strlist_wipe(&s->config.shell);
    for (size_t i = 0; i < instr->arg.count; i++)
        strlist_add(&s->config.shell, instr->arg.item[i].text);
    buf_str(&text, "SHELL ");
    gotext_list(&text, &s->config.shell);
    history(b, s, &text);
    return NULL;
}

/* USER and STOPSIGNAL: one expanded word into one field. MAINTAINER is not expanded. */
static struct err *apply_word(struct builder *b, struct stage *s, const struct instr *instr)
{
    AUTO_VALUE(buf_wipe) struct buf text = BUF(HISTORY_MAX);
    char **field = instr->kind == INSTR_USER         ? &s->config.user
                   : instr->kind == INSTR_STOPSIGNAL ? &s->config.stop_signal
                                                     : &s->config.author;
    const struct word *word = &instr->arg.item[0];
    AUTO(mem_free) char *value = NULL;
    if (instr->kind == INSTR_MAINTAINER)
        value = mem_strdup(word->text);
    else
        TRY(stage_expand(b, s, word, &value));
    if (instr->kind == INSTR_STOPSIGNAL && !signalname_valid(value)) {
        AUTO(mem_free) char *safe = str_safe(value);
        struct err *e = err_new(ERR_INPUT, "invalid signal: %s", safe);
        return builder_mistake(b, word->at,
                               err_hint(e, "expected a name such as SIGTERM, or a number from 1 to 64"));
    }
    buf_printf(&text, "%s %s", instr_name(instr->kind), value);
    free(*field);
    *field = TAKE(value);
    history(b, s, &text);
    return NULL;
}

static struct err *apply_onbuild(struct builder *b, struct stage *s, const struct instr *instr)
{
    (void)b;
    strlist_add(&s->config.onbuild, instr->onbuild.text);
    return NULL;
}

struct err *meta_apply(struct builder *b, struct stage *s, const struct instr *instr)
{
    static struct err *(*const apply[])(struct builder *, struct stage *, const struct instr *) = {
        [INSTR_ARG] = apply_arg,
        [INSTR_CMD] = apply_cmd,
        [INSTR_ENTRYPOINT] = apply_entrypoint,
        [INSTR_ENV] = apply_env,
        [INSTR_EXPOSE] = apply_expose,
        [INSTR_HEALTHCHECK] = apply_healthcheck,
        [INSTR_LABEL] = apply_label,
        [INSTR_MAINTAINER] = apply_word,
        [INSTR_ONBUILD] = apply_onbuild,
        [INSTR_SHELL] = apply_shell,
        [INSTR_STOPSIGNAL] = apply_word,
        [INSTR_USER] = apply_word,
        [INSTR_VOLUME] = apply_volume,
        [INSTR_WORKDIR] = NULL,
    };
    if (instr->kind >= ARRAY_LEN(apply) || !apply[instr->kind])
        return err_new(ERR_INTERNAL, "%s is no instruction of the config", instr_name(instr->kind));
    return apply[instr->kind](b, s, instr);
}
