/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/ls_remote.h"

#include "base/mem.h"
#include "base/pool.h"
#include "cli/place.h"
#include "cli/table.h"
#include "image/mediatype.h"
#include "registry/manifests.h"
#include "registry/names.h"

#include <stdio.h>

#define REQUESTS 8

struct tags {
    struct repo repo;
    struct strlist names;
    struct desclist descs; /* what each names; without a media type when it is gone meanwhile. Or empty */
};

static void tags_wipe(struct tags *t)
{
    strlist_wipe(&t->names);
    desclist_wipe(&t->descs);
}

static struct err *resolve(void *ctx, size_t i)
{
    struct tags *t = ctx;
    bool found = false;
    return err_wrap(manifests_resolve(&t->repo, t->names.item[i], &t->descs.item[i], &found), "tag %s",
                    t->names.item[i]);
}

static struct err *resolve_all(struct tags *t)
{
    for (size_t i = 0; i < t->names.count; i++)
        desclist_add(&t->descs);
    return pool_each(REQUESTS, t->names.count, resolve, t);
}

static const char *kind(const struct desc *d)
{
    return mediatype_kind_of(d->media_type) == MEDIATYPE_INDEX ? "index" : "image";
}

static void print_table(const struct tags *t, const struct ls_form *form)
{
    AUTO_VALUE(table_wipe) struct table table = {0};
    char digest[DIGEST_TEXT];
    size_t columns = form->digests && !form->names ? 3 : 1;
    if (!form->names)
        table_row(&table, columns, (const char *const[]){"TAG", "DIGEST", "KIND"});
    for (size_t i = 0; i < t->names.count; i++) {
        const char *name = t->names.item[i];
        const struct desc *d = t->descs.count ? &t->descs.item[i] : NULL;
        if (!d)
            table_row(&table, 1, (const char *const[]){name});
        else if (d->media_type)
            table_row(&table, columns, (const char *const[]){name, digest_text(&d->digest, digest), kind(d)});
    }
    table_print(&table, stdout);
}

static void print_json(const json_t *list)
{
    AUTO(mem_free) char *text = json_text_pretty(list);
    fputs(text, stdout);
}

static void print_tags_json(const struct tags *t, const struct ref *ref)
{
    AUTO(json_decref) json_t *list = json_array();
    for (size_t i = 0; i < t->names.count; i++) {
        const struct desc *d = t->descs.count ? &t->descs.item[i] : NULL;
        if (d && !d->media_type)
            continue;
        struct ref one = {.registry = ref->registry, .repository = ref->repository, .tag = t->names.item[i]};
        AUTO(mem_free) char *name = ref_familiar(&one);
        json_t *entry = json_object();
        json_put(entry, "name", json_new_str(name));
        json_put(entry, "tag", json_new_str(t->names.item[i]));
        if (d) {
            AUTO(json_decref) json_t *known = desc_to_json(d);
            json_object_update(entry, known);
        }
        json_push(list, entry);
    }
    print_json(list);
}

static struct err *list_tags(struct session *s, struct registry *registry, const struct ref *ref,
                             const struct ls_form *form)
{
    AUTO_VALUE(tags_wipe) struct tags t = {0};
    TRY(registry_repo(registry, ref, false, &t.repo));
    TRY(names_tags(&t.repo, &t.names));
    if (form->digests)
        TRY(resolve_all(&t));
    session_quiet(s);
    if (form->json)
        print_tags_json(&t, ref);
    else
        print_table(&t, form);
    return NULL;
}

static struct err *list_repositories(struct session *s, struct registry *registry, const char *name,
                                     const struct ls_form *form)
{
    AUTO_VALUE(strlist_wipe) struct strlist names = {0};
    AUTO(json_decref) json_t *list = json_array();
    struct host *host = NULL;
    TRY(registry_host(registry, name, &host));
    TRY(names_repositories(host, &names));
    session_quiet(s);
    if (!form->json && !form->names)
        puts("REPOSITORY");
    for (size_t i = 0; i < names.count; i++) {
        struct ref one = {.registry = mem_strdup(name), .repository = mem_strdup(names.item[i])};
        AUTO(mem_free) char *whole = ref_name(&one);
        json_t *entry = json_object();
        json_put(entry, "name", json_new_str(whole));
        json_push(list, entry);
        if (!form->json)
            puts(whole);
        ref_wipe(&one);
    }
    if (form->json)
        print_json(list);
    return NULL;
}

struct err *ls_remote(struct session *s, const char *text, const struct ls_form *form)
{
    AUTO_VALUE(ref_wipe) struct ref ref = {0};
    struct registry *registry = NULL;
    AUTO(mem_free) char *shown = str_safe(text);
    TRY(place_parse_repository(&ref, text));
    TRY(session_registry(s, &registry));
    if (ref.repository)
        return err_wrap(list_tags(s, registry, &ref, form), "list the tags of %s", shown);
    return err_wrap(list_repositories(s, registry, ref.registry, form), "list the repositories of %s", shown);
}
