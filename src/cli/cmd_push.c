/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "cli/all_tags.h"
#include "cli/cli.h"
#include "cli/endpoint.h"
#include "cli/report.h"
#include "cli/session.h"
#include "cli/user.h"

struct push_settings {
    struct shared shared;
    bool all_tags;
    const char *metadata_file;
};

static const struct opt push_options[] = {
    {"all-tags", 'a', OPT_FLAG, NULL, "publish all tags that the local store has of a repository",
     offsetof(struct push_settings, all_tags), 0, NULL},
    {"metadata-file", 0, OPT_TEXT, "FILE", "write what was published to a file, as JSON",
     offsetof(struct push_settings, metadata_file), 0, NULL},
};

static const struct opt_group groups[] = {
    {"Options", push_options, ARRAY_LEN(push_options)},
    SHARED_PUBLISH,
    SHARED_REGISTRY,
    SHARED_TIME,
    SHARED_STORE,
    SHARED_JOBS,
    SHARED_PROGRESS,
    SHARED_GENERAL,
};

/* The names that were given, and what each of them stands for here. */
struct names {
    struct place *place;
    struct endpoint *image;
    size_t count;
};

static void names_wipe(struct names *n)
{
    for (size_t i = 0; i < n->count; i++) {
        endpoint_wipe(&n->image[i]);
        place_wipe(&n->place[i]);
    }
    free(n->place);
    free(n->image);
}

/* All are looked up before anything is sent. */
static struct err *names_open(struct names *n, struct session *s, const struct strlist *args)
{
    n->place = mem_zero(args->count, sizeof *n->place);
    n->image = mem_zero(args->count, sizeof *n->image);
    for (size_t i = 0; i < args->count; i++) {
        struct place *place = &n->place[n->count];
        struct endpoint *image = &n->image[n->count++];
        place->kind = PLACE_STORE;
        place->shown = str_safe(args->item[i]);
        TRY(place_parse_ref(&place->ref, args->item[i]));
        TRY(endpoint_open(image, s, place));
    }
    return NULL;
}

/* Names of the same image go together, so that its blobs move once. Returns how many the next ones are. */
static size_t same_image(const struct names *n, size_t first)
{
    size_t end = first + 1;
    while (end < n->count && digest_equal(&n->image[end].root.digest, &n->image[first].root.digest))
        end++;
    return end - first;
}

static struct err *push_all(struct session *s, const struct names *n, struct strlist *results)
{
    AUTO(mem_free) struct ref *refs = mem_zero(n->count, sizeof *refs); /* borrowed parts */
    for (size_t i = 0; i < n->count; i++)
        refs[i] = n->place[i].ref;
    for (size_t i = 0; i < n->count;) {
        size_t count = same_image(n, i);
        const struct endpoint *image = &n->image[i];
        TRY(endpoint_push(s, image, refs + i, count, results));
        i += count;
    }
    return NULL;
}

static struct err *run(void *settings, const struct strlist *args)
{
    const struct push_settings *p = settings;
    AUTO_VALUE(session_wipe) struct session s = {0};
    AUTO_VALUE(names_wipe) struct names names = {0};
    AUTO_VALUE(strlist_wipe) struct strlist results = {0};
    AUTO_VALUE(strlist_wipe) struct strlist all = {0};
    TRY(report_forget("--metadata-file", p->metadata_file));
    TRY(session_open(&s, &p->shared));
    report_begin(&s, p->metadata_file);
    if (p->all_tags)
        TRY(all_tags_of_names(&all, &s, args));
    TRY(names_open(&names, &s, p->all_tags ? &all : args));
    struct err *e = push_all(&s, &names, &results);
    session_quiet(&s);
    endpoint_print(&results);
    return e ? e : report_write(&s, p->metadata_file);
}

const struct command cmd_push = {
    .name = "push",
    .arguments = "REF...",
    .summary = "Publish images of the local store under their names",
    .groups = groups,
    .group_count = ARRAY_LEN(groups),
    .settings_size = sizeof(struct push_settings),
    .args_min = 1,
    .args_max = SIZE_MAX,
    .run = run,
    .registries = user_registries_of_refs,
};
