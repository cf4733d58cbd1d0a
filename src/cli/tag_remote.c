/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/tag_remote.h"

#include "base/mem.h"
#include "cli/place.h"
#include "image/store.h"

#include <stdio.h>

/* The tag that `text` names in the repository of `from`. A name with a repository could be meant for the
 * local store, and is not taken for one here. */
static struct err *parse_tag(const struct ref *from, const char *text, char **tag)
{
    AUTO_VALUE(place_wipe) struct place place = {0};
    AUTO(mem_free) char *safe = str_safe(text);
    if (!str_starts(text, "docker://")) {
        if (!ref_tag_valid(text))
            return err_hint(
                err_new(ERR_USAGE, "%s is no tag", safe),
                "say a tag alone, or docker://REPOSITORY:TAG; \"lade pull\" brings images into the "
                "local store");
        *tag = mem_strdup(text);
        return NULL;
    }
    TRY(place_parse(&place, text));
    if (!str_eq_nocase(place.ref.registry, from->registry) || !str_eq(place.ref.repository, from->repository))
        return err_hint(err_new(ERR_USAGE, "%s is another repository", safe),
                        "\"lade copy\" copies from one to another");
    if (!place_has_tag(text) || digest_is_set(&place.ref.digest))
        return err_new(ERR_USAGE, "%s: a tag is expected, and no digest", safe);
    *tag = mem_strdup(place.ref.tag);
    return NULL;
}

static struct err *set_tag(struct store *to, const struct ref *from, const char *tag, const struct desc *d)
{
    AUTO_VALUE(desc_wipe) struct desc now = {0};
    bool found = false;
    char digest[DIGEST_TEXT];
    TRY(store_resolve(to, tag, &now, &found));
    if (!found || !digest_equal(&now.digest, &d->digest))
        TRY(store_tag(to, tag, d));
    struct ref named = {.registry = mem_strdup(from->registry),
                        .repository = mem_strdup(from->repository),
                        .tag = mem_strdup(tag)};
    AUTO(mem_free) char *name = ref_familiar(&named);
    ref_wipe(&named);
    printf("%s@%s\n", name, digest_text(&d->digest, digest));
    return NULL;
}

struct err *tag_remote(struct session *s, const struct strlist *args)
{
    AUTO_VALUE(place_wipe) struct place from = {0};
    AUTO_VALUE(strlist_wipe) struct strlist tags = {0};
    AUTO_VALUE(desc_wipe) struct desc d = {0};
    AUTO(store_free) struct store *to = NULL;
    struct registry *registry = NULL;
    TRY(place_parse(&from, args->item[0]));
    for (size_t i = 1; i < args->count; i++) {
        char *tag = NULL;
        TRY(parse_tag(&from.ref, args->item[i], &tag));
        strlist_add_take(&tags, tag);
    }
    TRY(session_registry(s, &registry));
    TRY(registry_resolve(registry, &from.ref, &d));
    TRY(registry_repository(registry, &from.ref, true, &to));
    for (size_t i = 0; i < tags.count; i++)
        TRY(err_wrap(set_tag(to, &from.ref, tags.item[i], &d), "tag %s as %s", from.shown, tags.item[i]));
    return NULL;
}
