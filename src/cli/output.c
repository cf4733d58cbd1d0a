/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/output.h"

#include "base/mem.h"
#include "cli/csv.h"

#include <string.h>

static struct err *unexpected(const char *key, const char *expected, const char *value)
{
    AUTO(mem_free) char *safe = str_safe(value);
    return err_new(ERR_USAGE, "--output: %s: expected %s, found \"%s\"", key, expected, safe);
}

static struct err *parse_bool(const char *key, const char *value, bool *out)
{
    bool yes = str_eq(value, "true") || str_eq(value, "1");
    if (!yes && !str_eq(value, "false") && !str_eq(value, "0"))
        return unexpected(key, "true or false", value);
    *out = yes;
    return NULL;
}

static struct err *set_type(struct output *o, const char *value)
{
    static const struct {
        const char *name;
        enum output_kind kind;
        bool push;
    } types[] = {{"image", OUTPUT_IMAGE, false}, {"registry", OUTPUT_IMAGE, true},
                 {"oci", OUTPUT_OCI, false},     {"docker", OUTPUT_DOCKER, false},
                 {"tar", OUTPUT_TAR, false},     {"local", OUTPUT_LOCAL, false}};
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (str_eq(value, types[i].name)) {
            o->kind = types[i].kind;
            o->push = o->push || types[i].push;
            return NULL;
        }
    return unexpected("type", "image, registry, oci, docker, tar or local", value);
}

struct err *output_compression(struct output_form *out, const char *text, const char *option)
{
    static const struct {
        const char *name;
        struct output_form form;
    } names[] = {{"gzip", {COMPRESSION_GZIP, false}},
                 {"zstd", {COMPRESSION_ZSTD, false}},
                 {"estargz", {COMPRESSION_GZIP, true}},
                 {"uncompressed", {COMPRESSION_NONE, false}}};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq(text, names[i].name)) {
            *out = names[i].form;
            return NULL;
        }
    AUTO(mem_free) char *safe = str_safe(text);
    return err_new(ERR_USAGE, "%s: expected gzip, zstd, estargz or uncompressed, found \"%s\"", option, safe);
}

static struct err *set_names(struct output *o, const char *value)
{
    AUTO_VALUE(strlist_wipe) struct strlist names = {0};
    strlist_split(&names, value, ',');
    for (size_t i = 0; i < names.count; i++)
        strlist_add(&o->names, names.item[i]);
    return NULL;
}

/* Keys whose only value here is what lade does anyway. */
static struct err *set_fixed(const char *key, const char *value, bool *known)
{
    static const struct {
        const char *key, *fine;
    } fixed[] = {{"oci-mediatypes", "true"},
                 {"rewrite-timestamp", "true"},
                 {"push-by-digest", "false"},
                 {"name-canonical", "false"},
                 {"registry.insecure", "false"},
                 {"unpack", "false"},
                 {"store", "true"},
                 {"force-compression", "false"},
                 {"oci-artifact", "false"},
                 {"dangling-name-prefix", ""},
                 {"mode", "copy"},
                 {"platform-split", "false"},
                 {"attestation-prefix", ""},
                 {"context", ""}};
    for (size_t i = 0; i < ARRAY_LEN(fixed); i++) {
        if (!str_eq(key, fixed[i].key))
            continue;
        *known = true;
        AUTO(mem_free) char *safe = str_safe(value);
        return str_eq(value, fixed[i].fine)
                   ? NULL
                   : err_new(ERR_UNSUPPORTED, "--output: %s=%s is not supported", key, safe);
    }
    return NULL;
}

static struct err *set_annotation(struct output *o, const char *key, const char *value)
{
    const char *dot = strchr(key, '.');
    size_t level = (size_t)(dot - key);
    if (level == strlen("annotation") || strncmp(key, "annotation-manifest.", level + 1) == 0) {
        strmap_set(&o->annotations, dot + 1, value);
        return NULL;
    }
    AUTO(mem_free) char *safe = str_safe(key);
    return err_new(ERR_UNSUPPORTED, "--output: %s: only annotations of the manifest are supported", safe);
}

static struct err *set(struct output *o, const char *key, const char *value)
{
    bool known = false, tar = true;
    if (str_eq(key, "type"))
        return set_type(o, value);
    if (str_eq(key, "dest")) {
        free(o->dest);
        o->dest = mem_strdup(value);
        return NULL;
    }
    if (str_eq(key, "name"))
        return set_names(o, value);
    if (str_eq(key, "push"))
        return parse_bool(key, value, &o->push);
    if (str_eq(key, "tar")) {
        TRY(parse_bool(key, value, &tar));
        o->directory = !tar;
        return NULL;
    }
    if (str_eq(key, "compression"))
        return output_compression(&o->form, value, "--output: compression");
    if (str_eq(key, "compression-level")) {
        o->level = value;
        return NULL;
    }
    if (str_starts(key, "annotation") && (key[10] == '.' || key[10] == '-') && strchr(key, '.'))
        return set_annotation(o, key, value);
    TRY(set_fixed(key, value, &known));
    if (known)
        return NULL;
    AUTO(mem_free) char *safe = str_safe(key);
    return err_new(ERR_USAGE, "--output: unknown key \"%s\"", safe);
}

static struct err *parse_fields(struct output *o, bool *typed)
{
    for (size_t i = 0; i < o->fields.count; i++) {
        char *field = o->fields.item[i];
        char *equals = strchr(field, '=');
        if (!equals) {
            AUTO(mem_free) char *safe = str_safe(field);
            return err_new(ERR_USAGE, "--output: expected key=value, found \"%s\"", safe);
        }
        *equals = '\0';
        for (char *c = field; *c && !str_starts(field, "annotation"); c++)
            *c = str_lower(*c);
        *typed = *typed || str_eq(field, "type");
        TRY(set(o, field, equals + 1));
    }
    return NULL;
}

static struct err *check(struct output *o)
{
    if (o->kind == OUTPUT_DOCKER && !o->dest)
        o->kind = OUTPUT_IMAGE; /* docker's own store: ours */
    if (o->kind == OUTPUT_IMAGE)
        return o->dest ? err_new(ERR_USAGE, "--output: dest is for oci, docker, tar and local") : NULL;
    if (o->push)
        return err_new(ERR_USAGE, "--output: push is for image and registry");
    if (!o->dest && (o->kind == OUTPUT_LOCAL || o->directory))
        return err_new(ERR_USAGE, "--output: dest, a directory, is missing");
    if (!o->dest)
        o->dest = mem_strdup("-");
    if (str_empty(o->dest))
        return err_new(ERR_USAGE, "--output: dest is empty");
    if (str_eq(o->dest, "-") && (o->kind == OUTPUT_LOCAL || o->directory))
        return err_new(ERR_USAGE, "--output: dest: a directory cannot be standard output");
    if (o->directory && o->kind != OUTPUT_OCI)
        return err_new(ERR_UNSUPPORTED, "--output: tar=false is supported for type=oci only");
    return NULL;
}

static struct err *parse(struct output *o, const char *text)
{
    bool typed = false;
    TRY(csv_split(&o->fields, text, "--output"));
    /* A lone value is a place, as with buildx, even when it has a "=". */
    if (o->fields.count == 1 && !str_starts(text, "type=")) {
        o->kind = str_eq(text, "-") ? OUTPUT_TAR : OUTPUT_LOCAL;
        o->dest = mem_strdup(o->fields.item[0]);
        return check(o);
    }
    TRY(parse_fields(o, &typed));
    if (!typed)
        return err_new(ERR_USAGE, "--output: type is missing");
    return check(o);
}

struct err *output_parse(struct output *out, const char *text)
{
    AUTO_VALUE(output_wipe) struct output o = {0};
    TRY(parse(&o, text));
    *out = o;
    o = (struct output){0};
    return NULL;
}

void output_wipe(struct output *o)
{
    free(o->dest);
    strlist_wipe(&o->names);
    strmap_wipe(&o->annotations);
    strlist_wipe(&o->fields);
    *o = (struct output){0};
}

struct err *outputs_parse(struct outputs *out, const struct strlist *texts)
{
    for (size_t i = 0; i < texts->count; i++) {
        struct output o = {0};
        TRY(output_parse(&o, texts->item[i]));
        MEM_PUSH(out->item, out->count, out->room, o);
    }
    return NULL;
}

void outputs_wipe(struct outputs *o)
{
    for (size_t i = 0; i < o->count; i++)
        output_wipe(&o->item[i]);
    free(o->item);
    *o = (struct outputs){0};
}
