/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/usage_filter.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/suggest.h"

#include <string.h>

#define NS_PER_S 1000000000
#define PATTERN_MAX 1000 /* bytes */

static const char *const keys[] = {"until",  "type",    "id",      "description", "inuse",
                                   "shared", "private", "mutable", "immutable"};

static bool is_flag(const char *key)
{
    static const char *const flags[] = {"inuse", "shared", "private", "mutable", "immutable"};
    for (size_t i = 0; i < ARRAY_LEN(flags); i++)
        if (str_eq(key, flags[i]))
            return true;
    return false;
}

static struct err *unknown_key(const char *text)
{
    AUTO(mem_free) char *safe = str_safe(text);
    struct err *e = err_new(ERR_USAGE, "--filter: unknown key \"%s\"", safe);
    const char *near = suggest_find(text, keys, ARRAY_LEN(keys), false);
    AUTO(mem_free) char *all = NULL;
    struct strlist list = {0};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        strlist_add(&list, keys[i]);
    all = strlist_join(&list, ", ");
    strlist_wipe(&list);
    return near ? err_hint(e, "did you mean \"%s\"?", near) : err_hint(e, "there are %s", all);
}

static struct err *check_type(const char *value)
{
    static const char *const none[] = {"frontend", "source.git.checkout"}; /* lade keeps no such */
    const char *known[2 * USAGE_KINDS + ARRAY_LEN(none)];
    size_t count = 0;
    for (size_t i = 0; i < USAGE_KINDS; i++) {
        known[count++] = usage_kind_name((enum usage_kind)i);
        known[count++] = usage_kind_type((enum usage_kind)i);
    }
    for (size_t i = 0; i < ARRAY_LEN(none); i++)
        known[count++] = none[i];
    for (size_t i = 0; i < count; i++)
        if (str_eq(known[i], value))
            return NULL;
    AUTO(mem_free) char *safe = str_safe(value);
    struct err *e = err_new(ERR_USAGE, "--filter type: there is no \"%s\"", safe);
    const char *near = suggest_find(value, known, count, false);
    return near ? err_hint(e, "did you mean \"%s\"?", near)
                : err_hint(e, "lade du shows the types; see lade-prune(1)");
}

static struct err *read_until(struct usage_filter *f)
{
    int64_t ns = 0;
    if (f->op == FILTER_EQUAL && num_parse_duration(f->value, &ns) && ns >= 0) {
        f->before = clock_unix() - ns / NS_PER_S;
        return NULL;
    }
    AUTO(mem_free) char *safe = str_safe(f->value);
    return err_new(ERR_USAGE, "--filter: expected until=TIME as until=24h, found \"%s\"", safe);
}

static struct err *read_flag(struct usage_filter *f)
{
    bool no = str_eq(f->value, "false");
    if (f->op == FILTER_LIKE || (!no && !str_eq(f->value, "true"))) {
        AUTO(mem_free) char *safe = str_safe(f->value);
        return err_new(ERR_USAGE, "--filter %s: expected true or false, found \"%s\"", f->key, safe);
    }
    if (no)
        f->op = f->op == FILTER_NOT ? FILTER_EQUAL : FILTER_NOT;
    return NULL;
}

static struct err *read_value(struct usage_filter *f)
{
    if (str_eq(f->key, "until"))
        return read_until(f);
    if (is_flag(f->key))
        return read_flag(f);
    if (f->op == FILTER_LIKE) {
        if (strlen(f->value) > PATTERN_MAX || regcomp(&f->pattern, f->value, REG_EXTENDED | REG_NOSUB) != 0) {
            AUTO(mem_free) char *safe = str_safe(f->value);
            f->op = FILTER_EQUAL;
            return err_new(ERR_USAGE, "--filter %s: \"%s\" is no regular expression", f->key, safe);
        }
        return NULL;
    }
    return str_eq(f->key, "type") ? check_type(f->value) : NULL;
}

static struct err *parse_one(struct usage_filters *out, const char *text)
{
    size_t len = strcspn(text, "=!~");
    AUTO(mem_free) char *key = mem_strndup(text, len);
    const char *known = NULL, *rest = text + len;
    struct usage_filter f = {.op = FILTER_EQUAL};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        if (str_eq(keys[i], key))
            known = keys[i];
    if (!known)
        return unknown_key(key);
    f.key = known;
    if (*rest == '!' || *rest == '~')
        f.op = *rest++ == '!' ? FILTER_NOT : FILTER_LIKE;
    if (*rest != '=' && (*rest || !is_flag(known) || f.op != FILTER_EQUAL))
        return err_new(ERR_USAGE, "--filter %s: expected %s=VALUE, %s!=VALUE or %s~=PATTERN", known, known,
                       known, known);
    for (size_t i = 0; i < out->count; i++)
        if (out->item[i].key == known && out->item[i].op == f.op && f.op == FILTER_EQUAL)
            return err_new(ERR_USAGE, "--filter %s is there twice, and nothing can match both", known);
    f.value = mem_strdup(*rest ? rest + 1 : "true");
    struct err *e = read_value(&f);
    if (e) {
        mem_free(f.value);
        return e;
    }
    MEM_PUSH(out->item, out->count, out->room, f);
    return NULL;
}

struct err *usage_filters_parse(struct usage_filters *out, const struct strlist *texts)
{
    for (size_t i = 0; i < texts->count; i++)
        TRY(parse_one(out, texts->item[i]));
    return NULL;
}

void usage_filters_wipe(struct usage_filters *f)
{
    for (size_t i = 0; i < f->count; i++) {
        if (f->item[i].op == FILTER_LIKE)
            regfree(&f->item[i].pattern);
        mem_free(f->item[i].value);
    }
    mem_free(f->item);
}

static bool has_flag(const char *key, const struct usage_entry *e)
{
    bool mutable = e->kind == USAGE_MOUNTS;
    if (str_eq(key, "inuse"))
        return e->in_use;
    if (str_eq(key, "shared"))
        return e->shared;
    if (str_eq(key, "private"))
        return !e->shared;
    return str_eq(key, "mutable") ? mutable : !mutable;
}

static bool is_type(const struct usage_filter *f, enum usage_kind kind)
{
    const char *name = usage_kind_name(kind), *type = usage_kind_type(kind);
    if (f->op == FILTER_LIKE)
        return regexec(&f->pattern, name, 0, NULL, 0) == 0 || regexec(&f->pattern, type, 0, NULL, 0) == 0;
    bool same = str_eq(f->value, name) || str_eq(f->value, type);
    return f->op == FILTER_NOT ? !same : same;
}

/* A part of an id is enough, as with docker. */
static bool is_text(const struct usage_filter *f, const char *text)
{
    if (f->op == FILTER_LIKE)
        return regexec(&f->pattern, text, 0, NULL, 0) == 0;
    bool same = str_eq(f->key, "id") ? strstr(text, f->value) != NULL : str_eq(text, f->value);
    return f->op == FILTER_NOT ? !same : same;
}

static bool matches(const struct usage_filter *f, const struct usage_entry *e)
{
    if (str_eq(f->key, "until"))
        return e->used.tv_sec < f->before;
    if (is_flag(f->key))
        return has_flag(f->key, e) == (f->op == FILTER_EQUAL);
    if (str_eq(f->key, "type"))
        return is_type(f, e->kind);
    return is_text(f, str_eq(f->key, "id") ? e->id : e->about ? e->about : "");
}

bool usage_filters_match(const struct usage_filters *f, const struct usage_entry *e)
{
    for (size_t i = 0; i < f->count; i++)
        if (!matches(&f->item[i], e))
            return false;
    return true;
}

bool usage_filters_name(const struct usage_filters *f, enum usage_kind kind)
{
    for (size_t i = 0; i < f->count; i++)
        if (str_eq(f->item[i].key, "type") && f->item[i].op == FILTER_EQUAL && is_type(&f->item[i], kind))
            return true;
    return false;
}
