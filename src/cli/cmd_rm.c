/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/num.h"
#include "cli/cli.h"
#include "cli/place.h"
#include "cli/rm_remote.h"
#include "cli/session.h"

#include <stdio.h>
#include <string.h>

struct rm_settings {
    struct shared shared;
    bool force;
    struct rm_rule rule;
};

static const struct opt rm_options[] = {
    {"force", 'f', OPT_FLAG, NULL,
     "a name that is not there is no error; in a registry, remove an image with all its tags",
     offsetof(struct rm_settings, force), 0, NULL},
};

static const struct opt registry_options[] = {
    {"by", 0, OPT_TEXT, "WHAT",
     "what makes an image newer: created (when it was made) or version (of its tag)",
     offsetof(struct rm_settings, rule.by), 0, NULL},
    {"dry-run", 'n', OPT_FLAG, NULL, "say what would be removed, and remove nothing",
     offsetof(struct rm_settings, rule.dry_run), 0, NULL},
    {"keep", 0, OPT_TEXT, "N", "of a repository, keep the newest N images and remove the others",
     offsetof(struct rm_settings, rule.keep), 0, NULL},
    {"match", 0, OPT_LIST, "PATTERN", "only images with a tag like this",
     offsetof(struct rm_settings, rule.match), 0, NULL},
    {"older-than", 0, OPT_TEXT, "TIME", "only images older than this, as 90d or 36h",
     offsetof(struct rm_settings, rule.older_than), 0, NULL},
};

static const struct opt_group groups[] = {
    {"Options", rm_options, ARRAY_LEN(rm_options)},
    {"In registries", registry_options, ARRAY_LEN(registry_options)},
    SHARED_REGISTRY,
    SHARED_TIME,
    SHARED_STORE,
    SHARED_GENERAL,
};

/* The names of the image with the reference's digest; of its repository, if it names one. */
static struct err *names_of(struct store *layout, const struct ref *ref, struct strlist *out)
{
    AUTO_VALUE(layout_list_wipe) struct layout_list list = {0};
    AUTO(mem_free) char *repository = ref->registry ? ref_name(ref) : mem_strdup("");
    size_t len = strlen(repository);
    TRY(layout_list(layout, &list));
    for (size_t i = 0; i < list.count; i++) {
        const char *name = list.item[i].name;
        if (!name || !digest_equal(&list.item[i].desc.digest, &ref->digest))
            continue;
        if (len == 0 || (str_starts(name, repository) && (name[len] == ':' || name[len] == '@')))
            strlist_add(out, name);
    }
    return NULL;
}

static struct err *find_names(struct store *layout, const char *text, struct strlist *out)
{
    AUTO_VALUE(place_wipe) struct place place = {0};
    TRY(place_parse(&place, text));
    if (place.kind != PLACE_STORE)
        return err_new(ERR_USAGE, "%s is no name in the local store, and not in a registry", place.shown);
    if (digest_is_set(&place.ref.digest))
        return names_of(layout, &place.ref, out);
    strlist_add_take(out, ref_text(&place.ref));
    return NULL;
}

static struct err *remove_one(struct store *layout, const char *text, bool force)
{
    AUTO_VALUE(strlist_wipe) struct strlist names = {0};
    bool any = false;
    TRY(find_names(layout, text, &names));
    for (size_t i = 0; i < names.count; i++) {
        bool found = false;
        TRY(layout_untag(layout, names.item[i], &found));
        any = any || found;
    }
    if (any || force)
        return NULL;
    AUTO(mem_free) char *safe = str_safe(text);
    return err_hint(err_new(ERR_NOT_FOUND, "image %s is not in the local store", safe),
                    "\"lade ls\" lists what is there");
}

static struct err *remove_local(const struct rm_settings *r, const struct strlist *args)
{
    AUTO_VALUE(session_wipe) struct session s = {.shared = &r->shared};
    struct store *layout = NULL;
    uint64_t bytes = 0;
    char size[NUM_SIZE_TEXT];
    struct err *e = session_layout(&s, LAYOUT_REMOVE, &layout);
    if (e && err_kind_of(e) == ERR_NOT_FOUND && r->force) {
        err_free(e);
        return NULL;
    }
    TRY(e);
    for (size_t i = 0; i < args->count; i++)
        TRY(remove_one(layout, args->item[i], r->force));
    TRY(layout_sweep(layout, &bytes));
    fprintf(stderr, "freed %s\n", num_size_text(bytes, size));
    return NULL;
}

static struct err *remove_remote(const struct rm_settings *r, const struct strlist *args, bool retain)
{
    AUTO_VALUE(session_wipe) struct session s = {0};
    const struct rm_wish wish = {.force = r->force, .dry_run = r->rule.dry_run};
    if (retain && r->force)
        return err_new(ERR_USAGE, "--force does not go with --keep and --older-than");
    TRY(session_open(&s, &r->shared));
    return retain ? rm_retain(&s, args, &r->rule) : rm_remote(&s, args, &wish);
}

static struct err *run(void *settings, const struct strlist *args)
{
    const struct rm_settings *r = settings;
    const struct rm_rule *rule = &r->rule;
    bool retain = rule->keep || rule->older_than;
    size_t remote = 0;
    for (size_t i = 0; i < args->count; i++)
        remote += str_starts(args->item[i], "docker://");
    if (remote && remote != args->count)
        return err_new(ERR_USAGE, "the local store and registries are cleaned up one after the other: say "
                                  "docker:// of all places or of none");
    if (!retain && (rule->by || rule->match.count))
        return err_new(ERR_USAGE, "--by and --match are for --keep and --older-than");
    if (!remote && (retain || rule->dry_run))
        return err_new(ERR_USAGE, "--keep, --older-than and --dry-run are for docker:// places");
    return remote ? remove_remote(r, args, retain) : remove_local(r, args);
}

const struct command cmd_rm = {
    .name = "rm",
    .arguments = "IMAGE...",
    .summary = "Remove names from the local store, or images from a registry",
    .groups = groups,
    .group_count = ARRAY_LEN(groups),
    .settings_size = sizeof(struct rm_settings),
    .args_min = 1,
    .args_max = SIZE_MAX,
    .run = run,
};
