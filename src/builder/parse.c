/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/parse.h"
#include "base/mem.h"
#include "base/str.h"
#include "builder/directive.h"
#include "builder/lint.h"
#include "base/suggest.h"

#include <stdarg.h>
#include <string.h>

#define NAME_SHOWN 40

struct entry {
    const char *name;
    void (*parse)(struct parse *p, struct part rest);
    struct flag_spec flag[FLAG_SPECS_MAX];
    bool own_flags; /* it checks them itself, or BuildKit drops them */
};

static const struct entry entries[] = {
    [INSTR_UNKNOWN] = {.name = "?"},
    [INSTR_ADD] = {.name = "ADD",
                   .parse = parse_copy,
                   .flag = {{"chown", FLAG_IS_TEXT},
                            {"chmod", FLAG_IS_TEXT},
                            {"link", FLAG_IS_BOOL},
                            {"keep-git-dir", FLAG_IS_BOOL},
                            {"checksum", FLAG_IS_TEXT},
                            {"unpack", FLAG_IS_BOOL},
                            {"exclude", FLAG_IS_LIST}}},
    [INSTR_ARG] = {.name = "ARG", .parse = parse_arg, .own_flags = true},
    [INSTR_CMD] = {.name = "CMD", .parse = parse_command},
    [INSTR_COPY] = {.name = "COPY",
                    .parse = parse_copy,
                    .flag = {{"from", FLAG_IS_TEXT},
                             {"chown", FLAG_IS_TEXT},
                             {"chmod", FLAG_IS_TEXT},
                             {"link", FLAG_IS_BOOL},
                             {"parents", FLAG_IS_BOOL},
                             {"exclude", FLAG_IS_LIST}}},
    [INSTR_ENTRYPOINT] = {.name = "ENTRYPOINT", .parse = parse_command},
    [INSTR_ENV] = {.name = "ENV", .parse = parse_env},
    [INSTR_EXPOSE] = {.name = "EXPOSE", .parse = parse_expose},
    [INSTR_FROM] = {.name = "FROM", .parse = parse_from, .flag = {{"platform", FLAG_IS_TEXT}}},
    [INSTR_HEALTHCHECK] = {.name = "HEALTHCHECK", .parse = parse_health, .own_flags = true},
    [INSTR_LABEL] = {.name = "LABEL", .parse = parse_env},
    [INSTR_MAINTAINER] = {.name = "MAINTAINER", .parse = parse_one_text},
    [INSTR_ONBUILD] = {.name = "ONBUILD", .parse = parse_onbuild},
    [INSTR_RUN] = {.name = "RUN",
                   .parse = parse_command,
                   .flag = {{"mount", FLAG_IS_LIST},
                            {"network", FLAG_IS_TEXT},
                            {"security", FLAG_IS_TEXT},
                            {"device", FLAG_IS_LIST}}},
    [INSTR_SHELL] = {.name = "SHELL", .parse = parse_shell},
    [INSTR_STOPSIGNAL] = {.name = "STOPSIGNAL", .parse = parse_one_text, .own_flags = true},
    [INSTR_USER] = {.name = "USER", .parse = parse_one_text},
    [INSTR_VOLUME] = {.name = "VOLUME", .parse = parse_volume},
    [INSTR_WORKDIR] = {.name = "WORKDIR", .parse = parse_one_text},
};

const char *instr_name(enum instr_kind kind)
{
    return entries[kind].name;
}

static void add_mistake(struct parse *p, struct span at, const char *expected, const char *hint,
                        const char *format, va_list args, bool always) PRINTF(5, 0);
static void add_mistake(struct parse *p, struct span at, const char *expected, const char *hint,
                        const char *format, va_list args, bool always)
{
    AUTO(mem_free) char *message = mem_vprintf(format, args);
    p->instr->broken = true;
    if (p->trigger && !always)
        diag_warn(p->diag, at, "OnbuildTrigger", "%s", message);
    else
        diag_mistake(p->diag, at, expected, hint, "%s", message);
}

void parse_mistake(struct parse *p, struct span at, const char *expected, const char *hint,
                   const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add_mistake(p, at, expected, hint, format, args, false);
    va_end(args);
}

void parse_mistake_always(struct parse *p, struct span at, const char *expected, const char *hint,
                          const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add_mistake(p, at, expected, hint, format, args, true);
    va_end(args);
}

static enum instr_kind kind_of(struct part name)
{
    for (size_t i = INSTR_UNKNOWN + 1; i < ARRAY_LEN(entries); i++) {
        if (part_is(name, entries[i].name))
            return (enum instr_kind)i;
    }
    return INSTR_UNKNOWN;
}

static void unknown_instruction(struct parse *p)
{
    const char *names[ARRAY_LEN(entries) - 1];
    for (size_t i = 1; i < ARRAY_LEN(entries); i++)
        names[i - 1] = entries[i].name;
    const char *written = p->instr->name.text;
    AUTO(mem_free) char *hint = suggest_hint(written, names, ARRAY_LEN(names), false);
    AUTO(mem_free) char *shown = str_escape(written, strlen(written), NAME_SHOWN);
    parse_mistake(p, p->instr->name.at, hint ? NULL : "an instruction", hint, "unknown instruction: %s",
                  shown);
}

static void read_heredocs(struct parse *p)
{
    struct heredoc_list *list = &p->instr->heredoc;
    heredocs_find(p, list);
    for (size_t i = 0; i < list->count; i++) {
        struct heredoc *doc = &list->item[i];
        struct buf content = BUF(BUF_NO_LIMIT);
        bool found = lex_heredoc(p->lex, doc->name, doc->chomp, &content);
        doc->content = content.data ? buf_take(&content) : mem_strdup("");
        if (found)
            continue;
        AUTO(mem_free) char *hint = mem_printf("close it with a line that is %s and nothing else", doc->name);
        if (!p->lex->stopped)
            parse_mistake_always(p, doc->at, NULL, hint, "unterminated heredoc");
        for (i++; i < list->count; i++)
            list->item[i].content = mem_strdup("");
        p->instr->broken = true;
    }
}

static bool takes_heredocs(const struct instr *instr)
{
    return !instr->json &&
           (instr->kind == INSTR_RUN || instr->kind == INSTR_ADD || instr->kind == INSTR_COPY);
}

void parse_instruction(struct parse *p, struct part text)
{
    struct instr *instr = p->instr;
    struct part name;
    struct part rest;
    text = part_trim(text);
    part_split(text, &name, &rest);
    instr->at = part_span(p, text);
    instr->name = part_word(p, name);
    instr->text = mem_strndup(text.text, text.len);
    instr->kind = kind_of(name);
    rest = parse_take_flags(p, rest);
    if (instr->kind == INSTR_UNKNOWN) {
        unknown_instruction(p);
        return;
    }
    const struct entry *entry = &entries[instr->kind];
    if (!entry->own_flags)
        parse_check_flags(p, entry->flag);
    else if (instr->flag.count > 0 && instr->kind != INSTR_HEALTHCHECK)
        diag_warn(p->diag, instr->flag.item[0].name.at, "FlagIgnored", "%s takes no flags: --%s is ignored",
                  entry->name, instr->flag.item[0].name.text);
    entry->parse(p, rest);
    if (takes_heredocs(instr))
        read_heredocs(p);
    if (instr->kind == INSTR_ADD || instr->kind == INSTR_COPY)
        parse_copy_sources(p);
}

static void apply_comments(struct parse *p)
{
    const struct strlist *comments = &p->line->comments;
    for (size_t i = 0; i < comments->count; i++) {
        AUTO_VALUE(strlist_wipe) struct strlist rules = {0};
        if (directive_check_comment(comments->item[i], &rules))
            diag_quiet(p->diag, p->line->first_line, p->line->last_line, &rules);
    }
    if (comments->count > 0)
        p->instr->comment = mem_strdup(comments->item[comments->count - 1]);
}

static void read_instruction(struct parse *p, struct instr *instr)
{
    p->instr = instr;
    apply_comments(p);
    if (p->line->has_empty_line)
        diag_warn(p->diag, (struct span){.line = p->line->last_line}, "NoEmptyContinuation",
                  "Empty continuation line");
    parse_instruction(p, (struct part){p->line->text.data, p->line->text.len});
    instr->end_line = p->lex->line;
}

/* Nothing but ARG may stand before the first FROM. Said once: what follows has the same cause. */
static void check_stages(struct dockerfile *file, struct lex *lex, struct diag *diag)
{
    bool unknown = false;
    for (size_t i = 0; i < file->count; i++) {
        struct instr *instr = &file->item[i];
        if (instr->kind == INSTR_FROM)
            return;
        unknown = unknown || instr->kind == INSTR_UNKNOWN;
        if (instr->kind == INSTR_ARG || instr->kind == INSTR_UNKNOWN || unknown)
            continue;
        instr->broken = true;
        diag_mistake(diag, instr->name.at, "FROM, or ARG", NULL,
                     "no build stage: %s stands before the first FROM", instr_name(instr->kind));
        return;
    }
    if (lex->stopped || unknown)
        return;
    struct span end = {.line = lex->line, .end_line = lex->line};
    if (file->count == 0)
        diag_mistake(diag, end, "FROM", NULL, "the Dockerfile has no instructions");
    else
        diag_mistake(diag, end, "FROM", NULL, "the Dockerfile has no stages to build");
}

static void parse_all(struct dockerfile *out, struct lex *lex, struct diag *diag)
{
    AUTO_VALUE(logical_wipe) struct logical line = {0};
    struct parse p = {.file = out, .diag = diag, .lex = lex, .line = &line};
    while (lex_next(lex, &line)) {
        if (out->count == DOCKERFILE_ITEMS_MAX) {
            diag_limit(diag, (struct span){.line = line.first_line},
                       "the Dockerfile has more than %d instructions", DOCKERFILE_ITEMS_MAX);
            lex->stopped = true;
            return;
        }
        MEM_PUSH(out->item, out->count, out->room, (struct instr){0});
        read_instruction(&p, &out->item[out->count - 1]);
    }
}

void dockerfile_parse(struct dockerfile *out, const char *data, size_t len, struct diag *diag)
{
    *out = (struct dockerfile){.escape = '\\'};
    struct lex lex;
    lex_init(&lex, data, len, out, diag);
    parse_all(out, &lex, diag);
    check_stages(out, &lex, diag);
    lint_dockerfile(out, diag);
}

/* The first mistake on one line, for messages that show the place where the trigger comes from. */
static struct err *first_mistake(const struct diag *d)
{
    for (size_t i = 0; i < d->count; i++) {
        const struct diag_item *item = &d->item[i];
        if (item->rule)
            continue;
        struct err *e = err_new(d->over_limit ? ERR_RESOURCE : ERR_INPUT, "%s", item->message);
        return item->hint ? err_hint(e, "%s", item->hint) : e;
    }
    return NULL;
}

struct err *dockerfile_parse_trigger(struct instr *out, const char *text)
{
    AUTO_VALUE(diag_wipe) struct diag diag = {0};
    AUTO_VALUE(dockerfile_wipe) struct dockerfile file = {.escape = '\\'};
    diag_init(&diag, "ONBUILD trigger", text, strlen(text));
    struct lex lex;
    lex_init(&lex, text, strlen(text), &file, &diag);
    parse_all(&file, &lex, &diag);
    TRY(first_mistake(&diag));
    if (file.count != 1)
        return err_new(ERR_INPUT, "an ONBUILD trigger should be a single instruction, found %zu", file.count);
    enum instr_kind kind = file.item[0].kind;
    if (kind == INSTR_ONBUILD || kind == INSTR_FROM || kind == INSTR_MAINTAINER)
        return err_new(ERR_INPUT, "%s isn't allowed as an ONBUILD trigger", instr_name(kind));
    *out = file.item[0];
    file.count = 0;
    return NULL;
}
