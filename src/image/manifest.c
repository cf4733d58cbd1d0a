/* SPDX-License-Identifier: Apache-2.0 */
#include "image/manifest.h"

#include "base/json.h"
#include "base/mem.h"
#include "image/mediatype.h"

#include <string.h>

static struct err *refuse(const char *what, const char *why)
{
    return err_new(ERR_INPUT, "%s: %s", what, why);
}

/* Readers that fold case take "Layers" for "layers"; a document must mean the same to all. */
static struct err *check_keys(json_t *object, const char *what)
{
    static const char *const known[] = {"schemaVersion", "mediaType", "artifactType", "config",   "layers",
                                        "manifests",     "subject",   "annotations",  "fsLayers", "history"};
    const char *key;
    json_t *value;
    json_object_foreach (object, key, value) {
        for (size_t i = 0; i < ARRAY_LEN(known); i++)
            if (str_eq_nocase(key, known[i]) && !str_eq(key, known[i]))
                return err_new(ERR_INPUT, "%s: key %s: expected %s", what, key, known[i]);
    }
    return NULL;
}

static bool has(const json_t *object, const char *key)
{
    return json_object_get(object, key) != NULL;
}

static struct err *refuse_type(const char *what, const char *type)
{
    AUTO(mem_free) char *safe = str_escape(type, strlen(type), 128);
    return err_new(ERR_UNSUPPORTED, "%s: %s is the media type of no manifest or index that lade reads", what,
                   safe);
}

/* One document, one meaning: what it says of itself, what its reader was told, and what it holds must agree
 * (CVE-2021-41190). */
static struct err *get_kind(const json_t *object, const char *told, const char *what, char **type,
                            enum mediatype_kind *kind)
{
    const char *own = NULL;
    bool children = has(object, "manifests"), parts = has(object, "layers") || has(object, "config");
    uint64_t version = 0;
    TRY(json_get_str(object, "mediaType", what, &own));
    TRY(json_get_u64(object, "schemaVersion", what, NULL, &version));
    if (version == 1 || has(object, "fsLayers"))
        return err_hint(
            err_new(ERR_UNSUPPORTED, "%s: image manifest version 2, schema 1 is not supported", what),
            "push the image again with a tool of today");
    if (own && *own && told && !str_eq(own, told)) {
        AUTO(mem_free) char *safe = str_escape(own, strlen(own), 128);
        return err_new(ERR_INPUT, "%s: it says that it is %s, but was announced as %s", what, safe, told);
    }
    if (children && parts)
        return refuse(
            what, "it has both \"manifests\" and \"layers\" or \"config\": is it an index or a manifest?");
    if (own && *own)
        told = own;
    if (told && !mediatype_is_manifest(told))
        return refuse_type(what, told);
    if (!children && !parts)
        return refuse(what, "it has neither \"layers\" nor \"manifests\"");
    if (!told)
        told = children ? MEDIATYPE_OCI_INDEX : MEDIATYPE_OCI_MANIFEST;
    *kind = mediatype_kind_of(told);
    if ((*kind == MEDIATYPE_INDEX) != children)
        return err_new(ERR_INPUT, "%s: %s, but it has \"%s\"", what, told, children ? "manifests" : "layers");
    *type = mem_strdup(told);
    return NULL;
}

static struct err *get_list(const json_t *object, const char *key, size_t max, const char *what,
                            struct desclist *out)
{
    const json_t *array = NULL;
    const json_t *item;
    size_t i;
    TRY(json_get_array(object, key, what, &array));
    if (json_array_size(array) > max)
        return err_new(ERR_RESOURCE, "%s: %zu %s; at most %zu are read", what, json_array_size(array), key,
                       max);
    json_array_foreach (array, i, item) {
        AUTO(mem_free) char *place = mem_printf("%s: %s[%zu]", what, key, i);
        TRY(desc_from_json(desclist_add(out), item, place));
    }
    return NULL;
}

static struct err *get_desc(const json_t *object, const char *key, const char *what, struct desc *out)
{
    const json_t *item = NULL;
    AUTO(mem_free) char *place = mem_printf("%s: %s", what, key);
    TRY(json_get_object(object, key, what, &item));
    return item ? desc_from_json(out, item, place) : NULL;
}

static struct err *get_all(struct manifest *m, json_t *object, const char *told, const char *what)
{
    enum mediatype_kind kind = MEDIATYPE_OTHER;
    const char *artifact = NULL;
    TRY(check_keys(object, what));
    TRY(get_kind(object, told, what, &m->media_type, &kind));
    TRY(json_get_str(object, "artifactType", what, &artifact));
    m->artifact_type = artifact && *artifact ? mem_strdup(artifact) : NULL;
    if (kind == MEDIATYPE_INDEX) {
        TRY(get_list(object, "manifests", MANIFEST_CHILDREN_MAX, what, &m->manifests));
    } else {
        TRY(get_desc(object, "config", what, &m->config));
        if (!m->config.media_type)
            return refuse(what, "key config is missing");
        TRY(get_list(object, "layers", MANIFEST_LAYERS_MAX, what, &m->layers));
    }
    TRY(get_desc(object, "subject", what, &m->subject));
    return json_get_strmap(object, "annotations", what, &m->annotations);
}

struct err *manifest_parse(struct manifest *out, const char *data, size_t len, const char *media_type,
                           const char *what)
{
    AUTO_VALUE(manifest_wipe) struct manifest m = {0};
    AUTO(json_decref) json_t *object = NULL;
    if (len > MANIFEST_SIZE_MAX)
        return err_new(ERR_RESOURCE, "%s: %zu bytes; a manifest may have at most %u", what, len,
                       MANIFEST_SIZE_MAX);
    TRY(json_parse(&object, data, len, what));
    if (!json_is_object(object))
        return refuse(what, "expected a manifest (an object)");
    TRY(get_all(&m, object, str_empty(media_type) ? NULL : media_type, what));
    *out = m;
    m = (struct manifest){0};
    return NULL;
}

static json_t *list_to_json(const struct desclist *list)
{
    json_t *array = json_array();
    for (size_t i = 0; i < list->count; i++)
        json_push(array, desc_to_json(&list->item[i]));
    return array;
}

static json_t *begin(const struct manifest *m, const char *type)
{
    json_t *object = json_object();
    json_put(object, "schemaVersion", json_integer(2));
    json_put(object, "mediaType", json_new_str(m->media_type ? m->media_type : type));
    if (m->artifact_type)
        json_put(object, "artifactType", json_new_str(m->artifact_type));
    return object;
}

static char *finish(const struct manifest *m, json_t *object)
{
    if (m->subject.media_type)
        json_put(object, "subject", desc_to_json(&m->subject));
    if (m->annotations.count) {
        AUTO_VALUE(strmap_wipe) struct strmap sorted = {0};
        strmap_copy(&sorted, &m->annotations);
        strmap_sort(&sorted);
        json_put(object, "annotations", json_new_strmap(&sorted));
    }
    return json_text(object);
}

char *manifest_bytes(const struct manifest *m)
{
    AUTO(json_decref) json_t *object = begin(m, MEDIATYPE_OCI_MANIFEST);
    json_put(object, "config", desc_to_json(&m->config));
    json_put(object, "layers", list_to_json(&m->layers));
    return finish(m, object);
}

char *manifest_index_bytes(const struct manifest *m)
{
    AUTO(json_decref) json_t *object = begin(m, MEDIATYPE_OCI_INDEX);
    json_put(object, "manifests", list_to_json(&m->manifests));
    return finish(m, object);
}

void manifest_wipe(struct manifest *m)
{
    free(m->media_type);
    free(m->artifact_type);
    desc_wipe(&m->config);
    desclist_wipe(&m->layers);
    desclist_wipe(&m->manifests);
    desc_wipe(&m->subject);
    strmap_wipe(&m->annotations);
    *m = (struct manifest){0};
}

static bool is_attestation(const struct desc *d)
{
    return str_eq(d->platform.os, "unknown") && str_eq(d->platform.architecture, "unknown");
}

static struct err *nothing_matches(const struct manifest *m, const struct platform *want, const char *what)
{
    AUTO_VALUE(strlist_wipe) struct strlist there = {0};
    char text[PLATFORM_TEXT];
    for (size_t i = 0; i < m->manifests.count; i++) {
        const struct desc *d = &m->manifests.item[i];
        if (!platform_is_set(&d->platform) || is_attestation(d))
            continue;
        platform_text(&d->platform, text);
        if (!strlist_has(&there, text))
            strlist_add(&there, text);
    }
    AUTO(mem_free) char *joined = strlist_join(&there, ", ");
    AUTO(mem_free) char *shown = str_safe(joined);
    platform_text(want, text);
    return err_new(ERR_NOT_FOUND, "%s: no image for %s; there is %s", what, text,
                   there.count ? shown : "none for any platform");
}

struct err *manifest_choose(const struct manifest *m, const struct platform *want, const char *what,
                            const struct desc **out)
{
    const struct desc *best = NULL;
    int best_match = 0;
    for (size_t i = 0; i < m->manifests.count; i++) {
        const struct desc *d = &m->manifests.item[i];
        if (!mediatype_is_manifest(d->media_type) || is_attestation(d))
            continue;
        /* One that does not say its platform may fit, and loses against any that says so. */
        int match = platform_is_set(&d->platform) ? 2 * platform_match(want, &d->platform) : 1;
        if (match > best_match) {
            best = d;
            best_match = match;
        }
    }
    if (!best)
        return nothing_matches(m, want, what);
    *out = best;
    return NULL;
}
