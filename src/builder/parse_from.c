/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/str.h"
#include "builder/parse.h"

#include <string.h>

/* FROM [--platform=P] image [AS name]. */

static bool is_stage_name(const char *name)
{
    if (*name < 'a' || *name > 'z')
        return false;
    for (; *name; name++) {
        bool lower = *name >= 'a' && *name <= 'z';
        if (!lower && !str_is_digit(*name) && !strchr("-_.", *name))
            return false;
    }
    return true;
}

enum casing { CASING_NONE, CASING_LOWER, CASING_UPPER };

static enum casing casing_of(const char *text)
{
    bool lower = false;
    bool upper = false;
    for (; *text; text++) {
        lower = lower || (*text >= 'a' && *text <= 'z');
        upper = upper || (*text >= 'A' && *text <= 'Z');
    }
    return lower == upper ? CASING_NONE : lower ? CASING_LOWER : CASING_UPPER;
}

static void take_name(struct parse *p, const struct word *as, const struct word *name)
{
    enum casing from_casing = casing_of(p->instr->name.text);
    if (from_casing != CASING_NONE && casing_of(as->text) != from_casing)
        diag_warn(p->diag, p->instr->at, "FromAsCasing", "'%s' and '%s' keywords' casing do not match",
                  as->text, p->instr->name.text);
    char *lower = mem_strdup(name->text);
    for (char *c = lower; *c; c++)
        *c = str_lower(*c);
    p->instr->from.name = (struct word){.text = lower, .at = name->at};
    if (!str_eq(lower, name->text))
        diag_warn(p->diag, p->instr->at, "StageNameCasing", "Stage name '%s' should be lowercase",
                  name->text);
    if (!is_stage_name(lower))
        parse_mistake(p, name->at, "a letter, then letters, digits, -, _ and .", NULL,
                      "invalid name for build stage: \"%s\"", name->text);
    if (str_eq(lower, "scratch") || str_eq(lower, "context"))
        diag_warn(p->diag, p->instr->at, "ReservedStageName",
                  "Stage name should not use the same name as reserved stage \"%s\"", lower);
}

void parse_from(struct parse *p, struct part rest)
{
    struct instr *instr = p->instr;
    struct word_list *arg = &instr->arg;
    parse_fields(p, rest, arg);
    instr->from.platform = flag_word(instr, "platform");
    if (instr->from.platform.text && !*instr->from.platform.text) {
        mem_free(instr->from.platform.text);
        instr->from.platform.text = NULL;
    }
    if (arg->count > 0)
        instr->from.image = (struct word){.text = mem_strdup(arg->item[0].text), .at = arg->item[0].at};
    if (arg->count == 3 && str_eq_nocase(arg->item[1].text, "as"))
        take_name(p, &arg->item[1], &arg->item[2]);
    else if (arg->count != 1)
        parse_mistake(p, instr->at, "FROM IMAGE or FROM IMAGE AS NAME", NULL,
                      "FROM requires either one or three arguments");
}
