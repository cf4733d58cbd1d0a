/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/str.h"
#include "builder/parse.h"
#include "base/suggest.h"

#include <string.h>

const struct word *flag_text(const struct instr *instr, const char *name)
{
    const struct word *found = NULL;
    for (size_t i = 0; i < instr->flag.count; i++) {
        const struct flag *flag = &instr->flag.item[i];
        if (flag->value.text && str_eq(flag->name.text, name))
            found = &flag->value;
    }
    return found;
}

struct word flag_word(const struct instr *instr, const char *name)
{
    const struct word *found = flag_text(instr, name);
    return found ? (struct word){.text = mem_strdup(found->text), .at = found->at} : (struct word){0};
}

enum flag_bool flag_bool(const struct instr *instr, const char *name)
{
    enum flag_bool value = FLAG_NOT_GIVEN;
    for (size_t i = 0; i < instr->flag.count; i++) {
        const struct flag *flag = &instr->flag.item[i];
        if (!str_eq(flag->name.text, name))
            continue;
        bool no = flag->value.text && str_eq_nocase(flag->value.text, "false");
        value = no ? FLAG_FALSE : FLAG_TRUE;
    }
    return value;
}

static void unknown_flag(struct parse *p, const struct flag *flag, const struct flag_spec *specs)
{
    const char *names[FLAG_SPECS_MAX];
    size_t count = 0;
    AUTO_VALUE(strlist_wipe) struct strlist known = {0};
    for (; specs[count].name; count++) {
        names[count] = specs[count].name;
        AUTO(mem_free) char *shown = mem_printf("--%s", specs[count].name);
        strlist_add(&known, shown);
    }
    const char *near = suggest_find(flag->name.text, names, count, true);
    AUTO(mem_free) char *hint = near ? mem_printf("did you mean --%s?", near) : NULL;
    AUTO(mem_free) char *list = strlist_join(&known, ", ");
    AUTO(mem_free) char *expected = count > 0 ? mem_printf("one of %s", list) : NULL;
    parse_mistake(p, flag->name.at, expected, hint, "unknown flag: --%s", flag->name.text);
}

static void check_value(struct parse *p, const struct flag *flag, enum flag_type type)
{
    const char *value = flag->value.text;
    if (type != FLAG_IS_BOOL) {
        if (!value)
            parse_mistake(p, flag->name.at, "a value behind =", NULL, "missing a value on flag: --%s",
                          flag->name.text);
        return;
    }
    if (!value || str_eq_nocase(value, "true") || str_eq_nocase(value, "false"))
        return;
    if (!*value)
        parse_mistake(p, flag->name.at, "true or false", NULL, "missing a value on flag: --%s",
                      flag->name.text);
    else
        parse_mistake(p, flag->value.at, "true or false", NULL,
                      "expecting boolean value for flag --%s, not: %s", flag->name.text, value);
}

void parse_check_flags(struct parse *p, const struct flag_spec *specs)
{
    const struct flag_list *list = &p->instr->flag;
    for (size_t i = 0; i < list->count; i++) {
        const struct flag *flag = &list->item[i];
        const struct flag_spec *spec = specs;
        while (spec->name && !str_eq(spec->name, flag->name.text))
            spec++;
        if (!spec->name) {
            unknown_flag(p, flag, specs);
            continue;
        }
        bool seen = false;
        for (size_t j = 0; j < i && !seen; j++)
            seen = str_eq(list->item[j].name.text, flag->name.text);
        if (seen && spec->type != FLAG_IS_LIST)
            parse_mistake(p, flag->name.at, NULL, NULL, "duplicate flag specified: --%s", flag->name.text);
        else
            check_value(p, flag, spec->type);
    }
}
