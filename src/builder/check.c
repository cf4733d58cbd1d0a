/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/check.h"

#include "base/mem.h"
#include "builder/account.h"
#include "builder/expand.h"
#include "builder/mode.h"

#include <string.h>

/* Every variable has a value, so that only the form of a word can be wrong. */
static const char *any_value(void *ctx, const char *name)
{
    (void)ctx;
    (void)name;
    return "x";
}

/* True when the word's form is right. A result that is too large says nothing: the real values may be
 * smaller. */
static bool check_form(const struct word *word, char escape, struct diag *diag)
{
    const struct expand_env env = {.get = any_value};
    AUTO(mem_free) char *value = NULL;
    if (!word->text)
        return false;
    struct err *e = expand_word(&value, word->text, &env, escape, 0, NULL);
    if (!e)
        return true;
    if (err_kind_of(e) == ERR_INPUT)
        diag_mistake_err(diag, word->at, e);
    else
        err_free(e);
    return false;
}

static bool is_literal(const struct word *word)
{
    return word->text && word->text[0] != '\0' && !strpbrk(word->text, "$\\`'\"");
}

static void check_copy(const struct instr_copy *copy, char escape, struct diag *diag)
{
    for (size_t i = 0; i < copy->source.count; i++)
        (void)check_form(&copy->source.item[i], escape, diag);
    (void)check_form(&copy->dest, escape, diag);
    if (check_form(&copy->chmod, escape, diag) && is_literal(&copy->chmod)) {
        struct mode_set set = {0};
        diag_mistake_err(diag, copy->chmod.at, mode_parse(&set, copy->chmod.text));
        mode_wipe(&set);
    }
    if (check_form(&copy->chown, escape, diag) && is_literal(&copy->chown)) {
        struct account account;
        const char *missing = NULL;
        const char *colon = strchr(copy->chown.text, ':');
        if (colon && strchr(colon + 1, ':'))
            diag_mistake(diag, copy->chown.at, "USER or USER:GROUP", NULL, "--chown=%s is not valid",
                         copy->chown.text);
        else
            diag_mistake_err(diag, copy->chown.at,
                             account_parse(&account, copy->chown.text, NULL, 0, NULL, 0, &missing));
    }
}

void check_words(const struct instr *instr, char escape, struct diag *diag)
{
    switch (instr->kind) {
    case INSTR_ADD:
    case INSTR_COPY:
        check_copy(&instr->copy, escape, diag);
        break;
    case INSTR_ARG:
    case INSTR_ENV:
    case INSTR_LABEL:
        for (size_t i = 0; i < instr->pair.count; i++) {
            (void)check_form(&instr->pair.item[i].key, escape, diag);
            (void)check_form(&instr->pair.item[i].value, escape, diag);
        }
        break;
    case INSTR_EXPOSE:
    case INSTR_STOPSIGNAL:
    case INSTR_USER:
    case INSTR_VOLUME:
    case INSTR_WORKDIR:
        for (size_t i = 0; i < instr->arg.count; i++)
            (void)check_form(&instr->arg.item[i], escape, diag);
        break;
    case INSTR_UNKNOWN:
    case INSTR_CMD:
    case INSTR_ENTRYPOINT:
    case INSTR_FROM:
    case INSTR_HEALTHCHECK:
    case INSTR_MAINTAINER:
    case INSTR_ONBUILD:
    case INSTR_RUN:
    case INSTR_SHELL:
        break;
    }
}
