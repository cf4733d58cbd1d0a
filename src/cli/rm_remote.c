/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/rm_remote.h"

#include "base/mem.h"
#include "cli/inventory.h"
#include "cli/place.h"
#include "registry/blob.h"
#include "registry/manifests.h"
#include "registry/referrers.h"

#include <stdio.h>

#define SHOWN_TAGS 10

static char *join_tags(const struct strlist *tags)
{
    AUTO_VALUE(strlist_wipe) struct strlist some = {0};
    for (size_t i = 0; i < tags->count && i < SHOWN_TAGS; i++)
        strlist_add(&some, tags->item[i]);
    if (tags->count > SHOWN_TAGS)
        strlist_add_take(&some, mem_printf("and %zu more", tags->count - SHOWN_TAGS));
    return strlist_join(&some, ", ");
}

static struct err *refuse(const char *shown, const char *why, const struct strlist *tags)
{
    AUTO(mem_free) char *joined = join_tags(tags);
    return err_hint(err_new(ERR_CONFLICT, "%s is %s %s, which would be lost too", shown, why, joined),
                    "registries delete images with all their tags; --force does it");
}

/* Who else would lose something. */
static struct err *check_others(struct registry *r, const struct ref *ref, const struct desc *d,
                                const char *shown)
{
    AUTO_VALUE(images_wipe) struct images images = {0};
    AUTO_VALUE(strlist_wipe) struct strlist names = {0};
    AUTO_VALUE(strlist_wipe) struct strlist holders = {0};
    const struct inventory_wish wish = {0};
    TRY(inventory_read(&images, r, ref, &wish));
    for (size_t i = 0; i < images.count; i++) {
        const struct image *image = &images.item[i];
        bool same = digest_equal(&image->desc.digest, &d->digest);
        for (size_t k = 0; same && k < image->tags.count; k++)
            if (!str_eq(image->tags.item[k], ref->tag))
                strlist_add(&names, image->tags.item[k]);
        if (!same && digestset_has(&image->needs, &d->digest))
            strlist_add(&holders, image->tags.item[0]);
    }
    if (names.count)
        return refuse(shown, "the same image as", &names);
    return holders.count ? refuse(shown, "a part of", &holders) : NULL;
}

/* With a tag and a digest, the tag must still name this digest. */
static struct err *find(struct repo *repo, const struct ref *ref, const char *shown, struct desc *d,
                        bool *found)
{
    char digest[DIGEST_TEXT];
    const char *name = ref->tag ? ref->tag : digest_text(&ref->digest, digest);
    TRY(manifests_resolve(repo, name, d, found));
    if (*found && digest_is_set(&ref->digest) && !digest_equal(&ref->digest, &d->digest))
        return err_new(ERR_CONFLICT, "%s: the tag names %s now", shown, digest_text(&d->digest, digest));
    return NULL;
}

static struct err *remove_one(struct registry *r, const struct ref *ref, const char *shown,
                              const struct rm_wish *wish)
{
    struct repo repo;
    AUTO_VALUE(desc_wipe) struct desc d = {0};
    AUTO(mem_free) char *name = ref_familiar(ref);
    char digest[DIGEST_TEXT];
    bool found = false;
    TRY(registry_repo(r, ref, false, &repo));
    TRY(find(&repo, ref, shown, &d, &found));
    if (!found && wish->force)
        return NULL;
    if (!found)
        return err_new(ERR_NOT_FOUND, "there is no such image");
    if (ref->tag && !wish->force)
        TRY(check_others(r, ref, &d, shown));
    if (!wish->dry_run)
        TRY(referrers_delete(&repo, &d));
    bool whole = digest_is_set(&ref->digest);
    printf("%s %s%s%s\n", wish->dry_run ? "would remove" : "removed", name, whole ? "" : "@",
           whole ? "" : digest_text(&d.digest, digest));
    return NULL;
}

/* All of them are looked at before the first is removed. */
static struct err *parse(struct place *out, const char *text)
{
    TRY(place_parse(out, text));
    if (out->kind != PLACE_REGISTRY)
        return err_new(ERR_USAGE,
                       "%s: names in the local store and docker:// places are removed by commands "
                       "of their own",
                       out->shown);
    if (!place_has_tag(text))
        return err_hint(err_new(ERR_USAGE, "%s: a tag or a digest is missing", out->shown),
                        "say which image: %s:TAG; or how many stay: --keep", out->shown);
    return NULL;
}

struct err *rm_remote(struct session *s, const struct strlist *places, const struct rm_wish *wish)
{
    struct registry *registry = NULL;
    for (size_t i = 0; i < places->count; i++) {
        AUTO_VALUE(place_wipe) struct place place = {0};
        TRY(parse(&place, places->item[i]));
    }
    TRY(session_registry(s, &registry));
    for (size_t i = 0; i < places->count; i++) {
        AUTO_VALUE(place_wipe) struct place place = {0};
        TRY(parse(&place, places->item[i]));
        TRY(err_wrap(remove_one(registry, &place.ref, place.shown, wish), "remove %s", place.shown));
    }
    return NULL;
}
