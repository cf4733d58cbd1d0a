/* SPDX-License-Identifier: Apache-2.0 */
#include "image/desc.h"

#include "base/mem.h"

#include <string.h>

#define MEDIA_TYPE_MAX 255

/* It ends up in HTTP headers, so it must be printable and without spaces. */
static struct err *check_media_type(const char *type, const char *what, const char *key)
{
    size_t len = strlen(type);
    bool good = len > 0 && len <= MEDIA_TYPE_MAX;
    for (size_t i = 0; i < len && good; i++)
        good = type[i] > ' ' && type[i] < 0x7f;
    if (good)
        return NULL;
    AUTO(mem_free) char *safe = str_escape(type, len, 64);
    return err_new(ERR_INPUT, "%s: key %s: \"%s\" is no media type", what, key, safe);
}

static struct err *get_type(const json_t *object, const char *key, const char *what, bool must, char **out)
{
    const char *type = NULL;
    TRY(json_get_str(object, key, what, &type));
    if (!type && must)
        return err_new(ERR_INPUT, "%s: key %s is missing", what, key);
    /* An empty artifactType is what some tools write for none. */
    if (!type || (!must && !*type))
        return NULL;
    TRY(check_media_type(type, what, key));
    *out = mem_strdup(type);
    return NULL;
}

static struct err *get_size(const json_t *object, const char *what, uint64_t *size)
{
    bool found = false;
    TRY(json_get_u64(object, "size", what, &found, size));
    if (!found)
        return err_new(ERR_INPUT, "%s: key size is missing", what);
    if (*size > DESC_SIZE_MAX)
        return err_new(ERR_INPUT, "%s: key size: %llu bytes are more than any blob may have", what,
                       (unsigned long long)*size);
    return NULL;
}

struct err *desc_from_json(struct desc *out, const json_t *object, const char *what)
{
    AUTO_VALUE(desc_wipe) struct desc d = {0};
    const char *digest = NULL;
    const json_t *platform = NULL;
    if (!json_is_object(object))
        return err_new(ERR_INPUT, "%s: expected a descriptor (an object)", what);
    TRY(get_type(object, "mediaType", what, true, &d.media_type));
    TRY(json_get_str(object, "digest", what, &digest));
    if (!digest)
        return err_new(ERR_INPUT, "%s: key digest is missing", what);
    TRY(err_wrap(digest_parse(&d.digest, digest), "%s: key digest", what));
    TRY(get_size(object, what, &d.size));
    TRY(json_get_strmap(object, "annotations", what, &d.annotations));
    TRY(json_get_strlist(object, "urls", what, &d.urls));
    TRY(get_type(object, "artifactType", what, false, &d.artifact_type));
    TRY(json_get_object(object, "platform", what, &platform));
    TRY(platform_from_json(&d.platform, platform, what));
    *out = d;
    d = (struct desc){0};
    return NULL;
}

json_t *desc_to_json(const struct desc *d)
{
    char digest[DIGEST_TEXT];
    json_t *object = json_object();
    json_put(object, "mediaType", json_new_str(d->media_type));
    json_put(object, "digest", json_new_str(digest_text(&d->digest, digest)));
    json_put(object, "size", json_integer((json_int_t)d->size));
    if (d->urls.count)
        json_put(object, "urls", json_new_strlist(&d->urls));
    if (d->annotations.count) {
        AUTO_VALUE(strmap_wipe) struct strmap sorted = {0};
        strmap_copy(&sorted, &d->annotations);
        strmap_sort(&sorted);
        json_put(object, "annotations", json_new_strmap(&sorted));
    }
    if (platform_is_set(&d->platform))
        json_put(object, "platform", platform_to_json(&d->platform));
    if (d->artifact_type)
        json_put(object, "artifactType", json_new_str(d->artifact_type));
    return object;
}

void desc_set(struct desc *d, const char *media_type, const struct digest *digest, uint64_t size)
{
    char *type = mem_strdup(media_type);
    free(d->media_type);
    d->media_type = type;
    d->digest = *digest;
    d->size = size;
}

void desc_copy(struct desc *to, const struct desc *from)
{
    struct desc copy = {
        .media_type = mem_strdup(from->media_type),
        .digest = from->digest,
        .size = from->size,
        .platform = from->platform,
        .artifact_type = mem_strdup(from->artifact_type),
    };
    strmap_copy(&copy.annotations, &from->annotations);
    strlist_copy(&copy.urls, &from->urls);
    desc_wipe(to);
    *to = copy;
}

void desc_wipe(struct desc *d)
{
    free(d->media_type);
    free(d->artifact_type);
    strmap_wipe(&d->annotations);
    strlist_wipe(&d->urls);
    *d = (struct desc){0};
}

struct desc *desclist_add(struct desclist *list)
{
    MEM_PUSH(list->item, list->count, list->room, (struct desc){0});
    return &list->item[list->count - 1];
}

void desclist_copy(struct desclist *to, const struct desclist *from)
{
    struct desclist copy = {0};
    for (size_t i = 0; i < from->count; i++)
        desc_copy(desclist_add(&copy), &from->item[i]);
    desclist_wipe(to);
    *to = copy;
}

void desclist_wipe(struct desclist *list)
{
    for (size_t i = 0; i < list->count; i++)
        desc_wipe(&list->item[i]);
    free(list->item);
    *list = (struct desclist){0};
}
