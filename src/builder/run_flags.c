/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/run_flags.h"

#include "base/csv.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "base/suggest.h"

#include <string.h>

static const char *const kinds[] = {[RUN_BIND] = "bind",
                                    [RUN_CACHE] = "cache",
                                    [RUN_TMPFS] = "tmpfs",
                                    [RUN_SECRET] = "secret",
                                    [RUN_SSH] = "ssh"};
static const char *const sharings[] = {
    [RUN_SHARED] = "shared", [RUN_PRIVATE] = "private", [RUN_LOCKED] = "locked"};

/* One mount being read. */
struct reading {
    struct run_mount_flag *m;
    const char *field; /* as it was written */
    const char *key;   /* lower case */
    const char *value; /* expanded */
    bool read_only_given;
};

const char *run_mount_kind_name(enum run_mount_kind kind)
{
    return kinds[kind];
}

static struct err *with_hint(struct err *e, const char *written, const char *const *names, size_t count)
{
    AUTO(mem_free) char *hint = suggest_hint(written, names, count, false);
    return hint ? err_hint(e, "%s", hint) : e;
}

static bool find_word(const char *word, const char *const *words, size_t count, size_t *index)
{
    for (*index = 0; *index < count; ++*index)
        if (str_eq_nocase(word, words[*index]))
            return true;
    return false;
}

static struct err *bad_value(const struct reading *r)
{
    AUTO(mem_free) char *safe = str_safe(r->value);
    return err_new(ERR_INPUT, "invalid value for %s: %s", r->key, safe);
}

static struct err *bad_key(const struct reading *r)
{
    return err_new(ERR_INPUT, "unexpected key '%s' for mount type '%s'", r->key, kinds[r->m->kind]);
}

static void set_text(char **field, const char *value)
{
    free(*field);
    *field = *value ? mem_strdup(value) : NULL;
}

/* Truth as Go's strconv.ParseBool reads it. */
static struct err *read_bool(const struct reading *r, bool *out)
{
    static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True"};
    static const char *const no[] = {"0", "f", "F", "false", "FALSE", "False"};
    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        if (!str_eq(r->value, yes[i]) && !str_eq(r->value, no[i]))
            continue;
        *out = str_eq(r->value, yes[i]);
        return NULL;
    }
    return bad_value(r);
}

static struct err *read_type(struct reading *r)
{
    size_t kind = 0;
    AUTO(mem_free) char *safe = str_safe(r->value);
    if (!find_word(r->value, kinds, ARRAY_LEN(kinds), &kind))
        return with_hint(err_new(ERR_INPUT, "unsupported mount type \"%s\"", safe), r->value, kinds,
                         ARRAY_LEN(kinds));
    r->m->kind = (enum run_mount_kind)kind;
    return NULL;
}

static struct err *read_sharing(struct reading *r)
{
    size_t sharing = 0;
    AUTO(mem_free) char *safe = str_safe(r->value);
    if (!find_word(r->value, sharings, ARRAY_LEN(sharings), &sharing))
        return with_hint(err_new(ERR_INPUT, "unsupported sharing value \"%s\"", safe), r->value, sharings,
                         ARRAY_LEN(sharings));
    r->m->sharing = (enum run_sharing)sharing;
    r->m->has_sharing = true;
    return NULL;
}

static struct err *read_from(struct reading *r)
{
    set_text(&r->m->from, r->value);
    return NULL;
}

static struct err *read_source(struct reading *r)
{
    set_text(&r->m->source, r->value);
    return NULL;
}

static struct err *read_target(struct reading *r)
{
    set_text(&r->m->target, r->value);
    return NULL;
}

static struct err *read_id(struct reading *r)
{
    set_text(&r->m->id, r->value);
    return NULL;
}

static struct err *read_env(struct reading *r)
{
    free(r->m->env);
    r->m->env = mem_strdup(r->value);
    return NULL;
}

static struct err *read_read_only(struct reading *r)
{
    r->read_only_given = true;
    return read_bool(r, &r->m->read_only);
}

static struct err *read_read_write(struct reading *r)
{
    bool writable = false;
    TRY(read_bool(r, &writable));
    r->m->read_only = !writable;
    r->read_only_given = true;
    return NULL;
}

static struct err *read_required(struct reading *r)
{
    if (r->m->kind != RUN_SECRET && r->m->kind != RUN_SSH)
        return bad_key(r);
    return read_bool(r, &r->m->required);
}

static struct err *read_size(struct reading *r)
{
    if (r->m->kind != RUN_TMPFS)
        return bad_key(r);
    return num_parse_size(r->value, INT64_MAX, &r->m->size) ? NULL : bad_value(r);
}

static struct err *bad_number(const struct reading *r)
{
    AUTO(mem_free) char *safe = str_safe(r->value);
    return err_new(ERR_INPUT, "invalid value %s for %s", safe, r->key);
}

static struct err *read_mode(struct reading *r)
{
    uint64_t mode = 0;
    if (!num_parse_octal(r->value, UINT32_MAX, &mode))
        return bad_number(r);
    r->m->mode = (uint32_t)mode & 07777;
    r->m->has_mode = true;
    return NULL;
}

static struct err *read_uid(struct reading *r)
{
    uint64_t id = 0;
    if (!num_parse(r->value, UINT32_MAX, &id))
        return bad_number(r);
    r->m->uid = (uint32_t)id;
    r->m->has_uid = true;
    return NULL;
}

static struct err *read_gid(struct reading *r)
{
    uint64_t id = 0;
    if (!num_parse(r->value, UINT32_MAX, &id))
        return bad_number(r);
    r->m->gid = (uint32_t)id;
    r->m->has_gid = true;
    return NULL;
}

static const struct {
    const char *name;
    struct err *(*read)(struct reading *r);
    bool alone; /* means true without a value */
} keys[] = {
    {"type", read_type, false},
    {"from", read_from, false},
    {"source", read_source, false},
    {"target", read_target, false},
    {"readonly", read_read_only, true},
    {"id", read_id, false},
    {"sharing", read_sharing, false},
    {"required", read_required, true},
    {"size", read_size, false},
    {"mode", read_mode, false},
    {"uid", read_uid, false},
    {"gid", read_gid, false},
    {"src", read_source, false},
    {"dst", read_target, false},
    {"destination", read_target, false},
    {"ro", read_read_only, true},
    {"rw", read_read_write, true},
    {"readwrite", read_read_write, true},
    {"env", read_env, false},
};

static struct err *unknown_key(const struct reading *r)
{
    const char *names[ARRAY_LEN(keys)];
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        names[i] = keys[i].name;
    AUTO(mem_free) char *key = str_safe(r->key);
    AUTO(mem_free) char *field = str_safe(r->field);
    return with_hint(err_new(ERR_INPUT, "unexpected key '%s' in '%s'", key, field), r->key, names,
                     ARRAY_LEN(names));
}

/* "Key=value" to the lower-case key and the value, which is NULL where there is no "=". */
static char *split_field(const char *field, const char **value)
{
    const char *equals = strchr(field, '=');
    char *key = equals ? mem_strndup(field, (size_t)(equals - field)) : mem_strdup(field);
    for (char *c = key; *c; c++)
        *c = str_lower(*c);
    *value = equals ? equals + 1 : NULL;
    return key;
}

static struct err *read_field(struct reading *r, const struct run_expander *expander)
{
    const char *written = NULL;
    AUTO(mem_free) char *key = split_field(r->field, &written);
    AUTO(mem_free) char *value = NULL;
    size_t i = 0;
    r->key = key;
    while (i < ARRAY_LEN(keys) && !str_eq(keys[i].name, key))
        i++;
    if (!written && (i == ARRAY_LEN(keys) || !keys[i].alone)) {
        AUTO(mem_free) char *safe = str_safe(r->field);
        return err_new(ERR_INPUT, "invalid field '%s' must be a key=value pair", safe);
    }
    if (i == ARRAY_LEN(keys))
        return unknown_key(r);
    if (written)
        TRY(expander->expand(expander->ctx, written, &value));
    r->value = value ? value : "true";
    return keys[i].read(r);
}

static struct err *not_allowed(const char *what, enum run_mount_kind kind)
{
    return err_new(ERR_INPUT, "%s not allowed for \"%s\" type mounts", what, kinds[kind]);
}

/* What does not go together. */
static struct err *check(const struct run_mount_flag *m)
{
    bool owned = m->kind == RUN_SECRET || m->kind == RUN_SSH || m->kind == RUN_CACHE;
    if (!owned && m->has_mode)
        return not_allowed("mode", m->kind);
    if (!owned && m->has_uid)
        return not_allowed("uid", m->kind);
    if (!owned && m->has_gid)
        return not_allowed("gid", m->kind);
    if (m->kind == RUN_SECRET) {
        if (m->from)
            return err_new(ERR_INPUT, "secret mount should not have a from");
        if (m->has_sharing)
            return err_new(ERR_INPUT, "secret mount should not define sharing");
        if (!m->source && !m->target && !m->id)
            return err_new(ERR_INPUT, "invalid secret mount. one of source, target required");
        if (m->source && m->id)
            return err_new(ERR_INPUT, "both source and id can't be set");
    }
    if (m->kind == RUN_SSH && m->source)
        return err_new(ERR_INPUT, "ssh does not support source");
    if (m->has_sharing && m->kind != RUN_CACHE)
        return err_new(ERR_INPUT, "invalid cache sharing set for %s mount", kinds[m->kind]);
    return NULL;
}

static struct err *split(struct strlist *fields, const char *text)
{
    return err_wrap(csv_fields(fields, text), "failed to parse csv mounts");
}

struct err *run_mount_flag_parse(struct run_mount_flag *out, const char *text,
                                 const struct run_expander *expander)
{
    AUTO_VALUE(strlist_wipe) struct strlist fields = {0};
    AUTO_VALUE(run_mount_flag_wipe) struct run_mount_flag m = {.kind = RUN_BIND};
    struct reading r = {.m = &m};
    TRY(split(&fields, text));
    for (size_t i = 0; i < fields.count; i++) {
        r.field = fields.item[i];
        TRY(read_field(&r, expander));
    }
    TRY(check(&m));
    if (!r.read_only_given)
        m.read_only = m.kind != RUN_CACHE && m.kind != RUN_TMPFS;
    *out = m;
    m = (struct run_mount_flag){0};
    return NULL;
}

void run_mount_flag_wipe(struct run_mount_flag *flag)
{
    free(flag->from);
    free(flag->source);
    free(flag->target);
    free(flag->id);
    free(flag->env);
    *flag = (struct run_mount_flag){0};
}

struct err *run_mount_flag_check(const char *text, char **from)
{
    AUTO_VALUE(strlist_wipe) struct strlist fields = {0};
    AUTO(mem_free) char *found = NULL;
    *from = NULL;
    TRY(split(&fields, text));
    for (size_t i = 0; i < fields.count; i++) {
        const char *value = NULL;
        AUTO(mem_free) char *key = split_field(fields.item[i], &value);
        if (!value || !str_eq(key, "from"))
            continue;
        const char *dollar = strchr(value, '$');
        if (dollar && dollar[1])
            return err_hint(err_new(ERR_INPUT, "'from' doesn't support variable expansion, define alias "
                                               "stage instead"),
                            "name a stage with FROM $IMAGE AS name and use that name");
        free(found);
        found = *value ? mem_strdup(value) : NULL;
    }
    *from = TAKE(found);
    return NULL;
}
