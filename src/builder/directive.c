/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/directive.h"
#include "base/mem.h"
#include "base/runes.h"

#include <string.h>

struct directive {
    char *key; /* lower case */
    char *value;
    size_t value_at; /* offset in the line */
};

static void directive_wipe(struct directive *d)
{
    mem_free(d->key);
    mem_free(d->value);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f';
}

/* name = value, as the whole of `text` from `at` on. */
static bool split(const char *text, size_t len, size_t at, struct directive *out)
{
    size_t name = at;
    while (at < len && str_is_alnum(text[at]))
        at++;
    size_t name_len = at - name;
    if (name_len == 0 || str_is_digit(text[name]))
        return false;
    while (at < len && is_blank(text[at]))
        at++;
    if (at == len || text[at] != '=')
        return false;
    size_t behind = ++at;
    while (at < len && is_blank(text[at]))
        at++;
    if (at == len) {
        /* Blanks alone count as the value " ", as BuildKit's expression has it. */
        if (at == behind)
            return false;
        at--;
    } else {
        while (is_blank(text[len - 1]))
            len--;
    }
    out->key = mem_strndup(text + name, name_len);
    for (char *c = out->key; *c; c++)
        *c = str_lower(*c);
    out->value = mem_strndup(text + at, len - at);
    out->value_at = at;
    return true;
}

static struct span value_span(const struct lex *lex, const struct directive *d, size_t indent)
{
    unsigned column = (unsigned)(indent + d->value_at) + 1;
    return (struct span){
        .line = lex->line,
        .column = column,
        .end_line = lex->line,
        .end_column = column + (unsigned)strlen(d->value),
    };
}

static void read_escape(struct lex *lex, const struct directive *d, struct span at)
{
    /* BuildKit looks for the others below a #! line, but not for this one. */
    if (lex->shebang)
        diag_warn(lex->diag, at, "EscapeIgnored", "an escape directive below a #! line has no effect");
    else if (str_eq(d->value, "`") || str_eq(d->value, "\\"))
        lex->file->escape = d->value[0];
    else
        diag_mistake(lex->diag, at, "\\ or `", NULL, "invalid escape character \"%s\"", d->value);
}

static bool is_own_syntax(const char *frontend)
{
    static const char *const names[] = {
        "docker/dockerfile",
        "docker.io/docker/dockerfile",
        "docker/dockerfile-upstream",
        "docker.io/docker/dockerfile-upstream",
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        size_t len = strlen(names[i]);
        if (strncmp(frontend, names[i], len) == 0 &&
            (frontend[len] == '\0' || frontend[len] == ':' || frontend[len] == '@'))
            return true;
    }
    return false;
}

static void read_syntax(struct lex *lex, const struct directive *d, struct span at)
{
    size_t len = strcspn(d->value, " ");
    if (len == 0)
        return;
    at.end_column = at.column + (unsigned)len;
    lex->file->syntax = (struct word){.text = mem_strndup(d->value, len), .at = at};
    if (!is_own_syntax(lex->file->syntax.text))
        diag_warn(lex->diag, at, "SyntaxIgnored",
                  "the frontend %s is not used: lade reads the Dockerfile itself", lex->file->syntax.text);
}

static void read_check(struct lex *lex, const struct directive *d, struct span at)
{
    size_t len = strcspn(d->value, " ");
    if (len == 0)
        return;
    lex->file->check = (struct word){.text = mem_strndup(d->value, len), .at = at};
    if (!directive_check(lex->file->check.text, &lex->diag->skip, &lex->diag->warnings_fatal))
        diag_mistake(lex->diag, at, "skip=RULE,…, skip=all or error=true, joined by ;", NULL,
                     "invalid check directive \"%s\"", lex->file->check.text);
}

bool directive_read(struct lex *lex, const char *text, size_t len)
{
    const char *line_start = text;
    while (line_start > lex->data && line_start[-1] != '\n')
        line_start--;
    if (lex->line == 1 && len >= 2 && text[0] == '#' && text[1] == '!') {
        lex->shebang = true;
        return true;
    }
    if (len == 0 || text[0] != '#')
        return false;
    AUTO_VALUE(directive_wipe) struct directive d = {0};
    if (!split(text, len, 1 + rune_space_before(text + 1, len - 1), &d))
        return false;
    struct span at = value_span(lex, &d, (size_t)(text - line_start));
    static const char *const keys[] = {"syntax", "escape", "check"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (!str_eq(d.key, keys[i]))
            continue;
        if (lex->directives_seen & 1u << i) {
            diag_mistake(lex->diag, at, NULL, NULL, "only one %s parser directive can be used", d.key);
            return true;
        }
        lex->directives_seen |= 1u << i;
        if (i == 0)
            read_syntax(lex, &d, at);
        else if (i == 1)
            read_escape(lex, &d, at);
        else
            read_check(lex, &d, at);
        return true;
    }
    return false;
}

static void add_rules(struct strlist *skip, const char *names)
{
    AUTO_VALUE(strlist_wipe) struct strlist list = {0};
    strlist_split(&list, names, ',');
    for (size_t i = 0; i < list.count; i++) {
        AUTO(mem_free) char *name = str_trim(list.item[i]);
        if (*name && !strlist_has(skip, name))
            strlist_add(skip, name);
    }
}

/* Go's strconv.ParseBool. */
static bool parse_bool(const char *text, bool *out)
{
    static const char *const yes[] = {"1", "t", "T", "TRUE", "true", "True"};
    static const char *const no[] = {"0", "f", "F", "FALSE", "false", "False"};
    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        if (str_eq(text, yes[i]) || str_eq(text, no[i])) {
            *out = str_eq(text, yes[i]);
            return true;
        }
    }
    return false;
}

bool directive_check(const char *value, struct strlist *skip, bool *fatal)
{
    AUTO_VALUE(strlist_wipe) struct strlist parts = {0};
    strlist_split(&parts, value, ';');
    for (size_t i = 0; i < parts.count; i++) {
        char *equals = strchr(parts.item[i], '=');
        if (!equals)
            return false;
        *equals = '\0';
        AUTO(mem_free) char *key = str_trim(parts.item[i]);
        AUTO(mem_free) char *rest = str_trim(equals + 1);
        if (str_eq(key, "skip"))
            add_rules(skip, rest);
        else if (!str_eq(key, "experimental") && (!str_eq(key, "error") || !parse_bool(rest, fatal)))
            return false;
    }
    return true;
}

bool directive_check_comment(const char *comment, struct strlist *skip)
{
    AUTO_VALUE(directive_wipe) struct directive d = {0};
    if (!split(comment, strlen(comment), 0, &d) || !str_eq(d.key, "check"))
        return false;
    d.value[strcspn(d.value, " ")] = '\0';
    bool fatal = false;
    return directive_check(d.value, skip, &fatal);
}
