/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/opt.h"

#include "base/mem.h"
#include "base/num.h"
#include "base/suggest.h"

#include <string.h>

struct parser {
    const struct opt_group *groups;
    size_t group_count;
    const char *const *argv;
    size_t argc, next;
    char *settings;
};

static const struct opt *find_name(const struct parser *p, const char *name, size_t len)
{
    for (size_t g = 0; g < p->group_count; g++)
        for (size_t i = 0; i < p->groups[g].count; i++) {
            const struct opt *o = &p->groups[g].item[i];
            if (strncmp(o->name, name, len) == 0 && o->name[len] == '\0')
                return o;
        }
    return NULL;
}

static const struct opt *find_letter(const struct parser *p, char letter)
{
    for (size_t g = 0; g < p->group_count; g++)
        for (size_t i = 0; i < p->groups[g].count; i++)
            if (letter && p->groups[g].item[i].letter == letter)
                return &p->groups[g].item[i];
    return NULL;
}

static struct err *unknown(const struct parser *p, const char *name, size_t len)
{
    AUTO(mem_free) char *written = mem_strndup(name, len);
    AUTO(mem_free) char *safe = str_safe(written);
    const char **names = NULL;
    size_t count = 0, room = 0;
    for (size_t g = 0; g < p->group_count; g++)
        for (size_t i = 0; i < p->groups[g].count; i++)
            MEM_PUSH(names, count, room, p->groups[g].item[i].name);
    const char *near = suggest_find(written, names, count, true);
    free(names);
    struct err *e = err_new(ERR_USAGE, "unknown option --%s", safe);
    return near ? err_hint(e, "did you mean --%s?", near) : e;
}

static struct err *set_flag(const struct opt *o, const char *value, bool *place)
{
    static const char *const yes[] = {"true", "1", "t", "T", "TRUE", "True"};
    static const char *const no[] = {"false", "0", "f", "F", "FALSE", "False"};
    bool known = !value;
    *place = true;
    for (size_t i = 0; value && i < ARRAY_LEN(yes); i++) {
        if (str_eq(value, yes[i]))
            known = true;
        if (str_eq(value, no[i])) {
            *place = false;
            known = true;
        }
    }
    if (known)
        return NULL;
    AUTO(mem_free) char *safe = str_safe(value);
    return err_new(ERR_USAGE, "--%s: expected true or false, found \"%s\"", o->name, safe);
}

static struct err *set_number(const struct opt *o, const char *value, uint64_t *place)
{
    unsigned least = o->kind == OPT_COUNT ? 1 : 0;
    uint64_t number = 0;
    if (num_parse(value, o->max, &number) && number >= least) {
        *place = number;
        return NULL;
    }
    AUTO(mem_free) char *safe = str_safe(value);
    return err_new(ERR_USAGE, "--%s: expected a number from %u to %llu, found \"%s\"", o->name, least,
                   (unsigned long long)o->max, safe);
}

/* `value` is NULL for an option that takes none. */
static struct err *set(const struct parser *p, const struct opt *o, const char *value)
{
    void *place = p->settings + o->place;
    bool ignored = false;
    switch (o->kind) {
    case OPT_FLAG:
        return set_flag(o, value, place);
    case OPT_NOTHING:
        return set_flag(o, value, &ignored);
    case OPT_TEXT:
        *(const char **)place = value;
        return NULL;
    case OPT_LIST:
        strlist_add(place, value);
        return NULL;
    case OPT_NUMBER:
    case OPT_COUNT:
        return set_number(o, value, place);
    case OPT_MISSING:
        if (o->fine && str_eq(value, o->fine))
            return NULL;
        return err_new(ERR_UNSUPPORTED, "--%s is not supported", o->name);
    }
    return NULL;
}

/* `inline_value`: what stands in the same word, or NULL. */
static struct err *take(struct parser *p, const struct opt *o, const char *inline_value)
{
    if (!o->value || inline_value)
        return set(p, o, inline_value);
    if (p->next == p->argc)
        return err_new(ERR_USAGE, "--%s: a value (%s) is missing", o->name, o->value);
    return set(p, o, p->argv[p->next++]);
}

static struct err *parse_long(struct parser *p, const char *word)
{
    const char *equals = strchr(word, '=');
    size_t len = equals ? (size_t)(equals - word) : strlen(word);
    const struct opt *o = find_name(p, word, len);
    if (!o)
        return unknown(p, word, len);
    return take(p, o, equals ? equals + 1 : NULL);
}

static struct err *parse_letters(struct parser *p, const char *letters)
{
    for (const char *at = letters; *at; at++) {
        const struct opt *o = find_letter(p, *at);
        if (!o) {
            AUTO(mem_free) char *safe = str_escape(at, 1, 8);
            return err_new(ERR_USAGE, "unknown option -%s", safe);
        }
        if (at[1] == '=')
            return take(p, o, at + 2);
        if (o->value)
            return take(p, o, at[1] ? at + 1 : NULL);
        TRY(take(p, o, NULL));
    }
    return NULL;
}

struct err *opt_parse(const struct opt_group *groups, size_t group_count, const char *const *argv,
                      size_t argc, void *settings, struct strlist *args)
{
    struct parser p = {groups, group_count, argv, argc, 0, settings};
    bool only_arguments = false;
    while (p.next < argc) {
        const char *word = argv[p.next++];
        if (only_arguments || word[0] != '-' || word[1] == '\0')
            strlist_add(args, word);
        else if (str_eq(word, "--"))
            only_arguments = true;
        else if (word[1] == '-')
            TRY(parse_long(&p, word + 2));
        else
            TRY(parse_letters(&p, word + 1));
    }
    return NULL;
}

void opt_wipe(const struct opt_group *groups, size_t group_count, void *settings)
{
    for (size_t g = 0; g < group_count; g++)
        for (size_t i = 0; i < groups[g].count; i++)
            if (groups[g].item[i].kind == OPT_LIST)
                strlist_wipe((struct strlist *)(void *)((char *)settings + groups[g].item[i].place));
}

#define HELP_COLUMN 32

/* `text` from column HELP_COLUMN on, broken at spaces; the cursor stands at `column`. */
static void help_text(struct buf *out, const char *text, size_t column)
{
    if (column + 2 > HELP_COLUMN) {
        buf_byte(out, '\n');
        column = 0;
    }
    buf_printf(out, "%*s", (int)(HELP_COLUMN - column), "");
    column = HELP_COLUMN;
    for (const char *at = text; *at;) {
        size_t word = strcspn(at, " ");
        if (column > HELP_COLUMN && column + 1 + word > OPT_HELP_WIDTH) {
            buf_printf(out, "\n%*s", HELP_COLUMN, "");
            column = HELP_COLUMN;
        } else if (column > HELP_COLUMN) {
            buf_byte(out, ' ');
            column++;
        }
        buf_add(out, at, word);
        column += word;
        at += word + (at[word] == ' ');
    }
    buf_byte(out, '\n');
}

static void help_option(const struct opt *o, struct buf *out)
{
    size_t begin = out->len;
    if (o->letter)
        buf_printf(out, "  -%c, ", o->letter);
    else
        buf_str(out, "      ");
    buf_printf(out, "--%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
    help_text(out, o->help, out->len - begin);
}

void opt_help(const struct opt_group *groups, size_t group_count, struct buf *out)
{
    for (size_t g = 0; g < group_count; g++) {
        buf_printf(out, "\n%s:\n", groups[g].title);
        for (size_t i = 0; i < groups[g].count; i++)
            if (groups[g].item[i].help)
                help_option(&groups[g].item[i], out);
    }
}
