/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/all_tags.h"

#include "base/mem.h"
#include "image/layout.h"
#include "registry/names.h"

#include <string.h>

/* References get ":latest" when nothing is said, so the text itself has to be looked at. */
static bool has_tag(const char *text)
{
    const char *slash = strrchr(text, '/');
    return strpbrk(slash ? slash : text, ":@") != NULL;
}

struct err *all_tags_parse(struct place *out, const char *text)
{
    AUTO_VALUE(place_wipe) struct place p = {0};
    TRY(place_parse(&p, text));
    bool name = p.kind == PLACE_STORE || p.kind == PLACE_REGISTRY;
    if (!name && p.kind != PLACE_OCI_DIR)
        return err_new(ERR_UNSUPPORTED, "%s: --all-tags is not supported for archives", p.shown);
    if (name ? has_tag(text + (p.kind == PLACE_REGISTRY ? strlen("docker://") : 0)) : p.tag != NULL)
        return err_new(ERR_USAGE, "%s: with --all-tags a repository is expected, without a tag", p.shown);
    *out = p;
    p = (struct place){0};
    return NULL;
}

void all_tags_at(struct place *out, const struct place *repository, const char *tag)
{
    *out = (struct place){.kind = repository->kind};
    if (repository->path) {
        out->path = mem_strdup(repository->path);
        out->tag = mem_strdup(tag);
    } else {
        ref_copy(&out->ref, &repository->ref);
        free(out->ref.tag);
        out->ref.tag = mem_strdup(tag);
    }
    AUTO(mem_free) char *shown = mem_printf("%s:%s", repository->shown, tag);
    out->shown = str_safe(shown);
}

/* Names in the local store are whole references. */
static void add_of_store(struct strlist *tags, const struct layout_list *list, const struct ref *repository)
{
    for (size_t i = 0; i < list->count; i++) {
        AUTO_VALUE(ref_wipe) struct ref ref = {0};
        struct err *e = list->item[i].name ? ref_parse(&ref, list->item[i].name) : NULL;
        if (!e && ref.tag && str_eq(ref.registry, repository->registry) &&
            str_eq(ref.repository, repository->repository))
            strlist_add(tags, ref.tag);
        err_free(e);
    }
}

static struct err *list_store(struct strlist *tags, struct session *s, const struct ref *repository)
{
    AUTO_VALUE(layout_list_wipe) struct layout_list list = {0};
    struct store *layout = NULL;
    struct err *e = session_layout(s, LAYOUT_READ, &layout);
    if (e && err_kind_of(e) == ERR_NOT_FOUND) {
        err_free(e); /* nothing was ever stored */
        return NULL;
    }
    TRY(e);
    TRY(layout_list(layout, &list));
    add_of_store(tags, &list, repository);
    return NULL;
}

static struct err *list_directory(struct strlist *tags, const char *path)
{
    AUTO_VALUE(layout_list_wipe) struct layout_list list = {0};
    AUTO(store_free) struct store *layout = NULL;
    TRY(layout_open(&layout, path, LAYOUT_READ));
    TRY(layout_list(layout, &list));
    for (size_t i = 0; i < list.count; i++)
        if (list.item[i].name)
            strlist_add(tags, list.item[i].name);
    return NULL;
}

struct err *all_tags_list(struct strlist *tags, struct session *s, const struct place *repository)
{
    struct registry *registry = NULL;
    struct repo repo = {0};
    if (repository->kind == PLACE_OCI_DIR) {
        TRY(list_directory(tags, repository->path));
    } else if (repository->kind == PLACE_STORE) {
        TRY(list_store(tags, s, &repository->ref));
    } else {
        TRY(session_registry(s, &registry));
        TRY(registry_repo(registry, &repository->ref, false, &repo));
        TRY(names_tags(&repo, tags));
    }
    return tags->count ? NULL : err_new(ERR_NOT_FOUND, "%s: there is no tag", repository->shown);
}

struct err *all_tags_of_names(struct strlist *names, struct session *s, const struct strlist *repositories)
{
    for (size_t i = 0; i < repositories->count; i++) {
        AUTO_VALUE(place_wipe) struct place repository = {.kind = PLACE_STORE};
        AUTO_VALUE(strlist_wipe) struct strlist tags = {0};
        const char *text = repositories->item[i];
        repository.shown = str_safe(text);
        if (has_tag(str_starts(text, "docker://") ? text + strlen("docker://") : text))
            return err_new(ERR_USAGE, "%s: with --all-tags a repository is expected, without a tag",
                           repository.shown);
        TRY(place_parse_ref(&repository.ref, text));
        TRY(all_tags_list(&tags, s, &repository));
        for (size_t t = 0; t < tags.count; t++)
            strlist_add_take(names, mem_printf("%s:%s", text, tags.item[t]));
    }
    return NULL;
}
