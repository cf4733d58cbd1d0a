/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/num.h"
#include "cli/cli.h"
#include "cli/endpoint.h"
#include "cli/form.h"
#include "cli/session.h"
#include "cli/table.h"
#include "registry/blob.h"
#include "registry/referrers.h"

#include <stdio.h>

struct referrers_settings {
    struct shared shared;
    const char *artifact_type, *format, *platform;
};

static const struct opt referrers_options[] = {
    {"artifact-type", 0, OPT_TEXT, "TYPE", "only artifacts of this type",
     offsetof(struct referrers_settings, artifact_type), 0, NULL},
    {"format", 0, OPT_TEXT, "FORMAT", "table or json", offsetof(struct referrers_settings, format), 0, NULL},
    {"platform", 0, OPT_TEXT, "PLATFORM", "what refers to the image for one platform, of an index",
     offsetof(struct referrers_settings, platform), 0, NULL},
};

static const struct opt_group groups[] = {
    {"Options", referrers_options, ARRAY_LEN(referrers_options)},
    SHARED_REGISTRY,
    SHARED_TIME,
    SHARED_GENERAL,
};

static char *join_annotations(const struct strmap *map)
{
    AUTO_VALUE(strlist_wipe) struct strlist pairs = {0};
    for (size_t i = 0; i < map->count; i++)
        strlist_add_take(&pairs, mem_printf("%s=%s", map->key[i], map->value[i]));
    AUTO(mem_free) char *joined = strlist_join(&pairs, ", ");
    return str_safe(joined);
}

static void print_table(const struct desclist *list)
{
    AUTO_VALUE(table_wipe) struct table t = {0};
    table_row(&t, 4, (const char *const[]){"DIGEST", "TYPE", "SIZE", "ANNOTATIONS"});
    for (size_t i = 0; i < list->count; i++) {
        const struct desc *d = &list->item[i];
        char digest[DIGEST_TEXT], size[NUM_SIZE_TEXT];
        AUTO(mem_free) char *type = str_safe(d->artifact_type ? d->artifact_type : "-");
        AUTO(mem_free) char *annotations = join_annotations(&d->annotations);
        table_row(&t, 4,
                  (const char *const[]){digest_text(&d->digest, digest), type, num_size_text(d->size, size),
                                        annotations});
    }
    table_print(&t, stdout);
}

static void print_json(const struct desclist *list)
{
    AUTO(json_decref) json_t *array = json_array();
    for (size_t i = 0; i < list->count; i++)
        json_push(array, desc_to_json(&list->item[i]));
    AUTO(mem_free) char *text = json_text_pretty(array);
    fputs(text, stdout);
}

static struct err *list(struct session *s, const struct place *place, const struct referrers_settings *wish,
                        struct desclist *out)
{
    AUTO_VALUE(endpoint_wipe) struct endpoint image = {0};
    struct platform platform = {0};
    struct registry *registry = NULL;
    struct repo repo;
    TRY(session_platform(&platform, wish->platform));
    TRY(session_registry(s, &registry));
    TRY(registry_repo(registry, &place->ref, false, &repo));
    /* What is referred to need not be there. */
    if (digest_is_set(&place->ref.digest) && !platform_is_set(&platform))
        return referrers_list(&repo, &place->ref.digest, wish->artifact_type, out);
    TRY(endpoint_open(&image, s, place));
    TRY(endpoint_choose(&image, &platform));
    return referrers_list(&repo, &image.root.digest, wish->artifact_type, out);
}

static struct err *run(void *settings, const struct strlist *args)
{
    const struct referrers_settings *r = settings;
    AUTO_VALUE(session_wipe) struct session s = {0};
    AUTO_VALUE(place_wipe) struct place place = {0};
    AUTO_VALUE(desclist_wipe) struct desclist found = {0};
    bool json = false;
    TRY(form_parse(r->format, &json));
    TRY(place_parse(&place, args->item[0]));
    if (place.kind != PLACE_REGISTRY)
        return err_hint(err_new(ERR_USAGE, "%s is not in a registry", place.shown), "say docker://IMAGE");
    TRY(session_open(&s, &r->shared));
    TRY(err_wrap(list(&s, &place, r, &found), "list what refers to %s", place.shown));
    session_quiet(&s);
    if (json)
        print_json(&found);
    else
        print_table(&found);
    return NULL;
}

const struct command cmd_referrers = {
    .name = "referrers",
    .arguments = "docker://IMAGE",
    .summary = "List the signatures and other artifacts that refer to an image",
    .groups = groups,
    .group_count = ARRAY_LEN(groups),
    .settings_size = sizeof(struct referrers_settings),
    .args_min = 1,
    .args_max = 1,
    .run = run,
};
