/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cache_request.h"

#include "base/mem.h"
#include "base/num.h"
#include "cli/cache_service.h"
#include "cli/csv.h"

#include <stdlib.h>
#include <string.h>

#define TAG_DEFAULT "latest"
#define LEVEL_MAX 22 /* of zstd */

/* What stands in a value and is not the place's own. */
struct words {
    char *ref, *tag, *digest;
};

static void words_wipe(struct words *w)
{
    free(w->ref);
    free(w->tag);
    free(w->digest);
}

static struct err *unexpected(const char *option, const char *key, const char *expected, const char *found)
{
    AUTO(mem_free) char *safe = str_safe(found);
    return err_new(ERR_USAGE, "%s: %s: expected %s, found \"%s\"", option, key, expected, safe);
}

static struct err *set_kind(struct cache_place *p, const char *option, const char *value, bool to)
{
    if (str_eq(value, "azblob"))
        return err_hint(err_new(ERR_UNSUPPORTED, "%s: caches of type %s are not supported", option, value),
                        "type=registry works with every registry");
    if (str_eq(value, "registry"))
        p->kind = CACHE_REGISTRY;
    else if (str_eq(value, "local"))
        p->kind = CACHE_LOCAL;
    else if (str_eq(value, "s3"))
        p->kind = CACHE_S3;
    else if (str_eq(value, "gha"))
        p->kind = CACHE_GHA;
    else if (str_eq(value, "inline") && to)
        p->kind = CACHE_INLINE;
    else if (str_eq(value, "inline"))
        return err_hint(err_new(ERR_USAGE, "%s: type=inline is for --cache-to", option),
                        "read it from the image: type=registry,ref=IMAGE");
    else
        return unexpected(option, "type",
                          to ? "registry, local, s3, gha or inline" : "registry, local, s3 or gha", value);
    return NULL;
}

static bool is_one_of(const char *value, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(value, list[i]))
            return true;
    return false;
}

/* As BuildKit reads them. */
static struct err *parse_bool(const char *option, const char *key, const char *value, bool *out)
{
    static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True"};
    static const char *const no[] = {"0", "f", "F", "false", "FALSE", "False"};
    *out = is_one_of(value, yes, ARRAY_LEN(yes));
    if (*out || is_one_of(value, no, ARRAY_LEN(no)))
        return NULL;
    return unexpected(option, key, "true or false", value);
}

/* What buildx's caches can be told and lade's are anyway, or need not be. */
static struct err *check_accepted(const char *option, const char *key, const char *value, bool *known)
{
    static const char *const flags[] = {"image-manifest", "oci-mediatypes", "force-compression"};
    static const char *const forms[] = {"uncompressed", "gzip", "estargz", "zstd"};
    uint64_t level = 0;
    bool flag = false;
    if (is_one_of(key, flags, ARRAY_LEN(flags)))
        return parse_bool(option, key, value, &flag);
    if (str_eq(key, "compression"))
        return is_one_of(value, forms, ARRAY_LEN(forms))
                   ? NULL
                   : unexpected(option, key, "uncompressed, gzip, estargz or zstd", value);
    if (str_eq(key, "compression-level"))
        return num_parse(value, LEVEL_MAX, &level) ? NULL : unexpected(option, key, "a number to 22", value);
    *known = false;
    return NULL;
}

static struct err *set_export_key(struct cache_place *p, const char *option, const char *key,
                                  const char *value, bool *known)
{
    bool ignore = true;
    *known = true;
    if (str_eq(key, "mode")) {
        p->max = str_eq(value, "max");
        return p->max || str_eq(value, "min") ? NULL : unexpected(option, key, "min or max", value);
    }
    if (str_eq(key, "ignore-error")) {
        TRY(parse_bool(option, key, value, &ignore));
        p->must = !ignore;
        return NULL;
    }
    if (str_eq(key, "reset"))
        return parse_bool(option, key, value, &p->reset);
    return check_accepted(option, key, value, known);
}

static void set_text(char **place, const char *value)
{
    free(*place);
    *place = mem_strdup(value);
}

/* What is about writing may stand in --cache-from as well, as with buildx, and changes nothing there. */
static struct err *set_key(struct cache_place *p, const char *option, const char *key, const char *value,
                           bool to, struct words *words)
{
    bool known = false;
    if (str_eq(key, "type"))
        return set_kind(p, option, value, to);
    char **text = str_eq(key, "ref")                 ? &words->ref
                  : str_eq(key, to ? "dest" : "src") ? &p->path
                  : str_eq(key, "tag")               ? &words->tag
                  : (str_eq(key, "digest") && !to)   ? &words->digest
                                                     : NULL;
    if (text) {
        set_text(text, value);
        return NULL;
    }
    if (to || !str_eq(key, "reset"))
        TRY(set_export_key(p, option, key, value, &known));
    if (!known)
        strmap_set(&p->service, key, value);
    return NULL;
}

static struct err *unknown(const struct cache_place *p, const char *option, const char *key)
{
    static const char *const types[] = {[CACHE_REGISTRY] = "registry",
                                        [CACHE_LOCAL] = "local",
                                        [CACHE_INLINE] = "inline",
                                        [CACHE_S3] = "s3",
                                        [CACHE_GHA] = "gha"};
    AUTO(mem_free) char *safe = str_safe(key);
    return err_new(ERR_USAGE, "%s: unknown key \"%s\" with type=%s", option, safe, types[p->kind]);
}

/* Which keys there are depends on the type, which may stand behind them. */
static struct err *check_keys(const struct cache_place *p, const char *option, const struct words *words,
                              bool to)
{
    bool local = p->kind == CACHE_LOCAL;
    if (words->ref && p->kind != CACHE_REGISTRY)
        return unknown(p, option, "ref");
    if (p->path && !local)
        return unknown(p, option, to ? "dest" : "src");
    if ((words->tag || words->digest) && !local)
        return unknown(p, option, words->tag ? "tag" : "digest");
    if (p->reset && !local)
        return unknown(p, option, "reset");
    if (p->kind == CACHE_S3 || p->kind == CACHE_GHA)
        return cache_service_check(p, option);
    return p->service.count ? unknown(p, option, p->service.key[0]) : NULL;
}

/* A digest says more than a tag. */
static struct err *set_tag(struct cache_place *p, const char *option, const struct words *words)
{
    struct digest digest;
    if (!str_empty(words->digest)) {
        struct err *e = digest_parse(&digest, words->digest);
        bool wrong = e != NULL;
        err_free(e);
        if (wrong)
            return unexpected(option, "digest", "sha256: and 64 hexadecimal digits", words->digest);
    }
    p->tag = mem_strdup(!str_empty(words->digest) ? words->digest
                        : !str_empty(words->tag)  ? words->tag
                                                  : TAG_DEFAULT);
    return NULL;
}

static struct err *check(struct cache_place *p, const char *option, const struct words *words, bool to)
{
    TRY(check_keys(p, option, words, to));
    if (p->kind == CACHE_REGISTRY && str_empty(words->ref))
        return err_new(ERR_USAGE, "%s: ref is missing", option);
    if (p->kind == CACHE_REGISTRY)
        TRY(err_wrap(ref_parse(&p->ref, words->ref), "%s", option));
    if (p->kind == CACHE_REGISTRY && to && digest_is_set(&p->ref.digest))
        return err_new(ERR_USAGE, "%s: ref: a cache is written under a tag, not under a digest", option);
    if (p->kind == CACHE_LOCAL && str_empty(p->path))
        return err_new(ERR_USAGE, "%s: %s, a directory, is missing", option, to ? "dest" : "src");
    return p->kind == CACHE_LOCAL ? set_tag(p, option, words) : NULL;
}

static char *shown(const struct cache_place *p)
{
    if (p->kind == CACHE_INLINE)
        return mem_strdup("the image itself");
    if (p->kind == CACHE_REGISTRY)
        return ref_familiar(&p->ref);
    if (p->kind == CACHE_S3 || p->kind == CACHE_GHA)
        return cache_service_shown(p);
    AUTO(mem_free) char *text = mem_printf("%s:%s", p->path, p->tag);
    return str_safe(text);
}

static struct err *parse_fields(struct cache_place *p, const struct strlist *fields, const char *option,
                                bool to, struct words *words)
{
    bool typed = false;
    for (size_t i = 0; i < fields->count; i++) {
        const char *field = fields->item[i], *equals = strchr(field, '=');
        if (!equals) {
            AUTO(mem_free) char *safe = str_safe(field);
            return err_new(ERR_USAGE, "%s: expected key=value, found \"%s\"", option, safe);
        }
        AUTO(mem_free) char *key = mem_strndup(field, (size_t)(equals - field));
        for (char *at = key; *at; at++)
            *at = str_lower(*at);
        typed = typed || str_eq(key, "type");
        TRY(set_key(p, option, key, equals + 1, to, words));
    }
    return typed ? NULL : err_new(ERR_USAGE, "%s: type is missing", option);
}

static struct cache_place *add(struct cache_places *out)
{
    MEM_PUSH(out->item, out->count, out->room, (struct cache_place){0});
    return &out->item[out->count - 1];
}

/* A lone reference, as with docker build. */
static struct err *parse_ref(struct cache_place *p, const char *text, const char *option, bool to)
{
    AUTO_VALUE(words_wipe) struct words words = {.ref = mem_strdup(text)};
    TRY(check(p, option, &words, to));
    p->shown = shown(p);
    return NULL;
}

static struct err *parse(struct cache_places *out, const char *text, bool to)
{
    const char *option = to ? "--cache-to" : "--cache-from";
    AUTO_VALUE(strlist_wipe) struct strlist fields = {0};
    AUTO_VALUE(words_wipe) struct words words = {0};
    if (!*text)
        return NULL;
    TRY(csv_split(&fields, text, option));
    if (!strchr(text, '=')) {
        for (size_t i = 0; i < fields.count; i++)
            TRY(parse_ref(add(out), fields.item[i], option, to));
        return NULL;
    }
    struct cache_place *p = add(out);
    TRY(parse_fields(p, &fields, option, to, &words));
    TRY(check(p, option, &words, to));
    p->shown = shown(p);
    return NULL;
}

struct err *cache_places_parse(struct cache_places *out, const struct strlist *texts, bool to)
{
    for (size_t i = 0; i < texts->count; i++)
        TRY(parse(out, texts->item[i], to));
    return NULL;
}

void cache_places_wipe(struct cache_places *p)
{
    for (size_t i = 0; i < p->count; i++) {
        free(p->item[i].shown);
        free(p->item[i].path);
        free(p->item[i].tag);
        strmap_wipe(&p->item[i].service);
        ref_wipe(&p->item[i].ref);
    }
    free(p->item);
    *p = (struct cache_places){0};
}
