/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/rm_remote.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/num.h"
#include "cli/inventory.h"
#include "cli/place.h"
#include "cli/table.h"
#include "image/config.h"
#include "registry/blob.h"
#include "registry/referrers.h"

#include <stdio.h>

#define KEEP_MAX 1000000

static struct err *parse_rule(struct retention_rule *out, const struct rm_rule *rule)
{
    int64_t age = 0;
    *out = (struct retention_rule){
        .match = &rule->match, .by_version = str_eq(rule->by, "version"), .not_after_unix = INT64_MAX};
    if (rule->by && !out->by_version && !str_eq(rule->by, "created")) {
        AUTO(mem_free) char *safe = str_safe(rule->by);
        return err_new(ERR_USAGE, "--by: expected created or version, found \"%s\"", safe);
    }
    if (rule->keep && !num_parse(rule->keep, KEEP_MAX, &out->keep)) {
        AUTO(mem_free) char *safe = str_safe(rule->keep);
        return err_new(ERR_USAGE, "--keep: expected a number, found \"%s\"", safe);
    }
    if (rule->older_than) {
        TRY(retention_parse_age(rule->older_than, "--older-than", &age));
        out->not_after_unix = clock_unix() - age;
    }
    if (out->keep == 0 && !rule->match.count && !rule->older_than)
        return err_hint(err_new(ERR_USAGE, "--keep 0 would remove everything"),
                        "--match '*' says that this is meant");
    return NULL;
}

static void add_row(struct table *t, const struct image *image)
{
    char digest[DIGEST_SHORT];
    AUTO(mem_free) char *tags = strlist_join(&image->tags, ",");
    bool timed = image->has_age && image->created >= RETENTION_REAL_TIME;
    AUTO(mem_free) char *created = timed ? config_time_text(image->created, 0) : mem_strdup("-");
    table_row(t, 5,
              (const char *const[]){image->fate == FATE_REMOVE ? "remove" : "keep", tags,
                                    digest_short(&image->desc.digest, digest), created, image->why});
}

static void print_plan(const struct images *images)
{
    AUTO_VALUE(table_wipe) struct table t = {0};
    table_row(&t, 5, (const char *const[]){"", "TAGS", "DIGEST", "CREATED", "WHY"});
    for (size_t i = 0; i < images->count; i++)
        if (images->item[i].fate != FATE_OTHER)
            add_row(&t, &images->item[i]);
    table_print(&t, stdout);
    fflush(stdout);
}

/* When no age is known at all, the way out is worth a word. */
static void hint_of_ages(const struct images *images, const struct retention_rule *rule, struct session *s)
{
    size_t matched = 0, timed = 0;
    for (size_t i = 0; i < images->count; i++) {
        const struct image *image = &images->item[i];
        matched += image->fate != FATE_OTHER;
        timed += image->has_age && image->created >= RETENTION_REAL_TIME;
    }
    if (matched && !timed && !rule->by_version)
        event_warn(&s->events,
                   "no image says when it was made, as reproducible ones do not: none is removed; "
                   "--by version goes by the tags");
}

static struct err *remove_all(const struct repo *repo, const struct images *images)
{
    for (size_t i = 0; i < images->count; i++) {
        const struct image *image = &images->item[i];
        if (image->fate == FATE_REMOVE)
            TRY(err_wrap(referrers_delete(repo, &image->desc), "remove the tag %s", image->tags.item[0]));
    }
    return NULL;
}

static struct err *retain(struct session *s, struct registry *r, const struct ref *ref,
                          const struct rm_rule *texts, const struct retention_rule *rule)
{
    AUTO_VALUE(images_wipe) struct images images = {0};
    bool ages = !rule->by_version || rule->not_after_unix != INT64_MAX;
    const struct inventory_wish wish = {.subjects = true, .ages = ages ? rule->match : NULL};
    struct repo repo;
    size_t gone = 0, all = 0;
    TRY(registry_repo(r, ref, false, &repo));
    TRY(inventory_read(&images, r, ref, &wish));
    retention_decide(&images, rule);
    print_plan(&images);
    hint_of_ages(&images, rule, s);
    if (!texts->dry_run)
        TRY(remove_all(&repo, &images));
    for (size_t i = 0; i < images.count; i++) {
        gone += images.item[i].fate == FATE_REMOVE;
        all++;
    }
    fprintf(stderr, "%s %zu of %zu images\n", texts->dry_run ? "would remove" : "removed", gone, all);
    return NULL;
}

struct err *rm_retain(struct session *s, const struct strlist *places, const struct rm_rule *texts)
{
    struct registry *registry = NULL;
    struct retention_rule rule;
    TRY(parse_rule(&rule, texts));
    for (size_t i = 0; i < places->count; i++) {
        AUTO_VALUE(ref_wipe) struct ref ref = {0};
        TRY(place_parse_repository(&ref, places->item[i]));
        if (!ref.repository)
            return err_new(ERR_USAGE, "docker://%s: a repository is expected", ref.registry);
    }
    TRY(session_registry(s, &registry));
    for (size_t i = 0; i < places->count; i++) {
        AUTO_VALUE(ref_wipe) struct ref ref = {0};
        AUTO(mem_free) char *shown = str_safe(places->item[i]);
        TRY(place_parse_repository(&ref, places->item[i]));
        TRY(err_wrap(retain(s, registry, &ref, texts, &rule), "%s", shown));
    }
    return NULL;
}
