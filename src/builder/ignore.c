/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/ignore.h"

#include "base/fs.h"
#include "base/mem.h"
#include "builder/ignore_pattern.h"
#include "base/runes.h"

#include <string.h>

struct rule {
    struct ignore_pattern *pattern;
    char *text;  /* clean, without "!" */
    char *reach; /* text without "/" and stars at its end: where an exception can lead to */
    bool exception;
    bool wild;
    size_t line;
};

/* Which rules a directory, or one above it, matched. */
struct ignore_state {
    size_t count;
    bool matched[];
};

/* A directory on the way to the last one that ignore_skip was asked about. */
struct level {
    char *path;
    struct ignore_state *state;
};

struct ignore {
    char *name;
    struct rule *rule;
    size_t count, room;
    size_t exceptions;
    struct level *level;
    size_t level_count, level_room;
};

static char *trim(const char *text, size_t len)
{
    size_t before = rune_space_before(text, len);
    text += before;
    len -= before;
    return mem_strndup(text, len - rune_space_after(text, len));
}

static struct err *bad_pattern(const struct ignore *i, const char *text, size_t line, const char *fault)
{
    AUTO(mem_free) char *shown = str_safe(text);
    AUTO(mem_free) char *name = str_safe(i->name);
    if (line)
        return err_new(ERR_INPUT, "%s:%zu: pattern \"%s\" is not valid: %s", name, line, shown, fault);
    return err_new(ERR_INPUT, "%s: pattern \"%s\" is not valid: %s", name, shown, fault);
}

static char *reach_of(const char *text)
{
    size_t len = strlen(text);
    char *reach = mem_strdup(text);
    if (len >= 3 && str_eq(reach + len - 3, "/**"))
        reach[len -= 3] = '\0';
    if (len >= 2 && str_eq(reach + len - 2, "/*"))
        reach[len - 2] = '\0';
    return reach;
}

/* Add one pattern; nothing for white space. */
static struct err *add_rule(struct ignore *i, const char *text, size_t len, size_t line)
{
    AUTO(mem_free) char *trimmed = trim(text, len);
    if (!*trimmed)
        return NULL;
    AUTO(mem_free) char *clean = path_clean(trimmed);
    bool exception = clean[0] == '!';
    const char *fault = NULL;
    if (exception && !clean[1])
        return bad_pattern(i, clean, line, "\"!\" needs a pattern behind it");
    if (i->count >= IGNORE_MAX_PATTERNS)
        return err_new(ERR_RESOURCE, "%s: more than %u patterns", i->name, IGNORE_MAX_PATTERNS);
    AUTO(ignore_pattern_free) struct ignore_pattern *pattern = ignore_pattern_new(clean + exception, &fault);
    if (fault)
        return bad_pattern(i, clean, line, fault);
    struct rule rule = {.exception = exception, .line = line};
    rule.text = mem_strdup(clean + exception);
    rule.reach = reach_of(rule.text);
    rule.wild = strpbrk(rule.reach, "*[]?^\\") != NULL;
    rule.pattern = TAKE(pattern);
    i->exceptions += exception;
    MEM_PUSH(i->rule, i->count, i->room, rule);
    return NULL;
}

/* A line of the file, as the reader of ignore files turns it into a pattern. */
static struct err *add_line(struct ignore *i, const char *text, size_t len, size_t line)
{
    if (len > IGNORE_MAX_LINE)
        return err_new(ERR_RESOURCE, "%s:%zu: the line is longer than %u bytes", i->name, line,
                       IGNORE_MAX_LINE);
    if (len > 0 && text[0] == '#')
        return NULL;
    if (memchr(text, '\0', len))
        return bad_pattern(i, text, line, "it has a NUL byte");
    AUTO(mem_free) char *trimmed = trim(text, len);
    if (!*trimmed)
        return NULL;
    bool exception = trimmed[0] == '!';
    AUTO(mem_free) char *bare = trim(trimmed + exception, strlen(trimmed + exception));
    AUTO(mem_free) char *clean = *bare ? path_clean(bare) : mem_strdup("");
    const char *path = clean[0] == '/' && clean[1] ? clean + 1 : clean;
    AUTO(mem_free) char *pattern = mem_printf("%s%s", exception ? "!" : "", path);
    return add_rule(i, pattern, strlen(pattern), line);
}

struct err *ignore_parse(struct ignore **out, const char *text, size_t len, const char *name)
{
    AUTO(ignore_free) struct ignore *i = mem_zero(1, sizeof *i);
    i->name = mem_strdup(name);
    if (len > IGNORE_MAX_BYTES)
        return err_new(ERR_RESOURCE, "%s is larger than %u bytes", name, IGNORE_MAX_BYTES);
    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        text += 3;
        len -= 3;
    }
    for (size_t line = 1; len > 0; line++) {
        const char *end = memchr(text, '\n', len);
        size_t whole = end ? (size_t)(end - text) + 1 : len;
        size_t bare = end ? whole - 1 : len;
        if (bare > 0 && text[bare - 1] == '\r')
            bare--;
        TRY(add_line(i, text, bare, line));
        text += whole;
        len -= whole;
    }
    *out = TAKE(i);
    return NULL;
}

struct err *ignore_from_list(struct ignore **out, const struct strlist *patterns, const char *what)
{
    AUTO(ignore_free) struct ignore *i = mem_zero(1, sizeof *i);
    i->name = mem_strdup(what);
    for (size_t at = 0; at < patterns->count; at++)
        TRY(add_rule(i, patterns->item[at], strlen(patterns->item[at]), 0));
    *out = TAKE(i);
    return NULL;
}

static void pop_level(struct ignore *i)
{
    i->level_count--;
    mem_free(i->level[i->level_count].path);
    mem_free(i->level[i->level_count].state);
}

void ignore_free(struct ignore *i)
{
    if (!i)
        return;
    while (i->level_count > 0)
        pop_level(i);
    for (size_t at = 0; at < i->count; at++) {
        ignore_pattern_free(i->rule[at].pattern);
        mem_free(i->rule[at].text);
        mem_free(i->rule[at].reach);
    }
    mem_free(i->rule);
    mem_free(i->level);
    mem_free(i->name);
    mem_free(i);
}

size_t ignore_count(const struct ignore *i)
{
    return i ? i->count : 0;
}

bool ignore_has_exceptions(const struct ignore *i)
{
    return i && i->exceptions > 0;
}

const char *ignore_name(const struct ignore *i)
{
    return i->name;
}

/* The rule that decided that `path` is left out, or NULL. A rule that cannot change the answer any more is
 * not tried, and counts as not matched for what is below: that is what the reference matcher does. */
static const struct rule *judge(const struct ignore *i, const char *path, const struct ignore_state *parent,
                                struct ignore_state *state)
{
    const struct rule *decided = NULL;
    for (size_t at = 0; at < i->count; at++) {
        const struct rule *rule = &i->rule[at];
        bool hit = parent && parent->matched[at];
        if (!hit && rule->exception == (decided != NULL))
            hit = ignore_pattern_match(rule->pattern, path);
        if (state)
            state->matched[at] = hit;
        if (hit && rule->exception)
            decided = NULL;
        else if (hit)
            decided = rule;
    }
    return decided;
}

static struct ignore_state *new_state(const struct ignore *i)
{
    struct ignore_state *state = mem_zero(1, sizeof *state + i->count * sizeof(bool));
    state->count = i->count;
    return state;
}

bool ignore_matches_below(const struct ignore *i, const char *path, const struct ignore_state *parent,
                          struct ignore_state **state)
{
    if (!i)
        return false;
    AUTO(mem_free) struct ignore_state *made = state ? new_state(i) : NULL;
    bool matched = judge(i, path, parent, made) != NULL;
    if (state)
        *state = TAKE(made);
    return matched;
}

/* The same for a path by itself: walk down to it. */
static const struct rule *judge_path(const struct ignore *i, const char *path)
{
    AUTO(mem_free) struct ignore_state *parent = NULL;
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        AUTO(mem_free) char *dir = mem_strndup(path, (size_t)(slash - path));
        struct ignore_state *state = new_state(i);
        (void)judge(i, dir, parent, state);
        mem_free(parent);
        parent = state;
    }
    return judge(i, path, parent, NULL);
}

bool ignore_matches(const struct ignore *i, const char *path)
{
    return i && judge_path(i, path) != NULL;
}

const char *ignore_reason(const struct ignore *i, const char *path, size_t *line)
{
    const struct rule *rule = i ? judge_path(i, path) : NULL;
    if (!rule)
        return NULL;
    *line = rule->line;
    return rule->text;
}

/* Is `below` the directory `dir` or something in it? */
static bool is_below(const char *below, const char *dir)
{
    size_t len = strlen(dir);
    return str_starts(below, dir) && (below[len] == '/' || below[len] == '\0');
}

static bool may_lead_below(const struct ignore *i, const char *path, bool exception)
{
    for (size_t at = 0; at < i->count; at++) {
        const struct rule *rule = &i->rule[at];
        if (rule->exception == exception && (rule->wild || is_below(rule->reach, path)))
            return true;
    }
    return false;
}

bool ignore_may_match_below(const struct ignore *i, const char *path)
{
    return i && may_lead_below(i, path, false);
}

bool ignore_may_reenter(const struct ignore *i, const char *path)
{
    return ignore_has_exceptions(i) && may_lead_below(i, path, true);
}

static void push_level(struct ignore *i, const char *path, size_t len)
{
    struct level next = {.path = mem_strndup(path, len), .state = new_state(i)};
    const struct ignore_state *parent = i->level_count ? i->level[i->level_count - 1].state : NULL;
    (void)judge(i, next.path, parent, next.state);
    MEM_PUSH(i->level, i->level_count, i->level_room, next);
}

bool ignore_skip(void *ctx, const char *path, bool is_dir, bool *enter)
{
    struct ignore *i = ctx;
    while (i->level_count > 0) {
        const char *top = i->level[i->level_count - 1].path;
        if (is_below(path, top) && !str_eq(path, top))
            break;
        pop_level(i);
    }
    size_t known = i->level_count ? strlen(i->level[i->level_count - 1].path) + 1 : 0;
    for (const char *slash = strchr(path + known, '/'); slash; slash = strchr(slash + 1, '/'))
        push_level(i, path, (size_t)(slash - path));
    bool matched = judge(i, path, i->level_count ? i->level[i->level_count - 1].state : NULL, NULL) != NULL;
    *enter = matched && is_dir && ignore_may_reenter(i, path);
    return matched;
}
