/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/num.h"
#include "builder/usage.h"
#include "cli/cli.h"
#include "cli/form.h"
#include "cli/session.h"
#include "cli/usage_filter.h"
#include "cli/usage_show.h"
#include "sandbox/sandbox.h"

#include <errno.h>
#include <stdio.h>
#include <sys/statvfs.h>

struct prune_settings {
    struct shared shared;
    bool all, dry_run, verbose;
    struct strlist filters;
    const char *format;
    const char *keep, *reserved, *max_used, *min_free;
};

static const struct opt prune_options[] = {
    {"all", 'a', OPT_FLAG, NULL, "manifests of base images, uploads and caches of RUN too",
     offsetof(struct prune_settings, all), 0, NULL},
    {"dry-run", 0, OPT_FLAG, NULL, "show what would go, and remove nothing",
     offsetof(struct prune_settings, dry_run), 0, NULL},
    {"filter", 0, OPT_LIST, "FILTER", "only what matches: until=24h, type=KIND, id=ID, shared…; repeat",
     offsetof(struct prune_settings, filters), 0, NULL},
    {"force", 'f', OPT_NOTHING, NULL, "accepted: nothing is asked", 0, 0, NULL},
    {"format", 0, OPT_TEXT, "FORMAT", "show what goes as table or json",
     offsetof(struct prune_settings, format), 0, NULL},
    {"keep-storage", 0, OPT_TEXT, "SIZE", "keep so much of the cache, what was used last (0)",
     offsetof(struct prune_settings, keep), 0, NULL},
    {"max-used-space", 0, OPT_TEXT, "SIZE", "let the cache take so much at most",
     offsetof(struct prune_settings, max_used), 0, NULL},
    {"min-free-space", 0, OPT_TEXT, "SIZE", "remove until so much of the disk is free",
     offsetof(struct prune_settings, min_free), 0, NULL},
    {"reserved-space", 0, OPT_TEXT, "SIZE", "the same as --keep-storage",
     offsetof(struct prune_settings, reserved), 0, NULL},
    {"verbose", 'v', OPT_FLAG, NULL, "show each entry that goes", offsetof(struct prune_settings, verbose), 0,
     NULL},
};

static const struct opt_group groups[] = {
    {"Options", prune_options, ARRAY_LEN(prune_options)},
    SHARED_STORE,
    SHARED_CACHE,
    SHARED_GENERAL,
};

struct wish {
    struct usage_filters filters;
    struct usage_policy policy;
    uint64_t keep, max_used, min_free;
    struct usage_show show;
    bool shows;
};

static void wish_wipe(struct wish *w)
{
    usage_filters_wipe(&w->filters);
}

static struct err *read_size(const char *option, const char *text, uint64_t *bytes)
{
    if (!text || num_parse_size(text, UINT64_MAX, bytes))
        return NULL;
    AUTO(mem_free) char *safe = str_safe(text);
    return err_new(ERR_USAGE, "--%s: expected a size as 500m or 2gb, found \"%s\"", option, safe);
}

static struct err *read_wish(struct wish *w, const struct prune_settings *p)
{
    TRY(usage_filters_parse(&w->filters, &p->filters));
    TRY(form_parse(p->format, &w->show.json));
    w->show.chosen = true;
    w->show.verbose = p->verbose;
    w->shows = p->dry_run || p->verbose || p->format;
    if (p->keep && p->reserved)
        return err_new(ERR_USAGE, "--keep-storage and --reserved-space are the same: give one");
    TRY(read_size("keep-storage", p->keep, &w->keep));
    TRY(read_size("reserved-space", p->reserved, &w->keep));
    TRY(read_size("max-used-space", p->max_used, &w->max_used));
    return read_size("min-free-space", p->min_free, &w->min_free);
}

/* How much of the cache may stay: what it may take at most, less what is not free enough, but never less than
 * what is reserved for it; as BuildKit has it. */
static struct err *find_policy(struct wish *w, const struct prune_settings *p, const struct usage *u,
                               const char *cache)
{
    uint64_t free = 0, taken = usage_cache_bytes(u);
    struct statvfs fs;
    uint64_t keep = w->max_used;
    bool bounded = p->keep || p->reserved || p->max_used || p->min_free;
    if (w->min_free) {
        if (statvfs(cache, &fs) != 0 || !num_mul(fs.f_bavail, fs.f_frsize, &free))
            return err_sys("look at the file system of the cache");
        uint64_t excess = w->min_free > free ? w->min_free - free : 0;
        uint64_t rest = excess < taken ? taken - excess : 0;
        if (!p->max_used || rest < keep)
            keep = rest;
    }
    w->policy.keep = keep > w->keep ? keep : w->keep;
    w->policy.mounts_apart =
        !p->all && !(bounded && w->policy.keep > 0) && !usage_filters_name(&w->filters, USAGE_MOUNTS);
    w->policy.keep_mounts = USAGE_MOUNTS_MAX;
    return NULL;
}

static void pick(struct usage *u, const struct wish *w, bool all)
{
    for (size_t i = 0; i < u->count; i++) {
        struct usage_entry *e = &u->item[i];
        bool internal = e->kind == USAGE_BASES || e->kind == USAGE_UPLOADS;
        e->picked = usage_filters_match(&w->filters, e) &&
                    (all || !internal || usage_filters_name(&w->filters, e->kind));
    }
}

/* Who removes blobs waits for those that build; who does not, need not. */
static struct err *open_store(struct session *s, const struct wish *w, bool dry_run, struct store **out,
                              bool *removes)
{
    struct usage_entry blob = {.kind = USAGE_BLOBS, .id = mem_strdup("")};
    *removes = !dry_run;
    for (size_t i = 0; i < w->filters.count && *removes; i++)
        if (str_eq(w->filters.item[i].key, "type"))
            *removes = usage_filters_match(&(const struct usage_filters){&w->filters.item[i], 1, 1}, &blob);
    mem_free(blob.id);
    struct err *e = session_layout(s, *removes ? LAYOUT_REMOVE : LAYOUT_READ, out);
    if (!e || err_kind_of(e) != ERR_NOT_FOUND)
        return e;
    err_free(e);
    *out = NULL;
    *removes = false;
    return NULL;
}

static struct err *prune(struct session *s, struct wish *w, const struct prune_settings *p, uint64_t *freed)
{
    AUTO_VALUE(usage_wipe) struct usage u = {0};
    AUTO(mem_free) char *cache = NULL;
    struct store *layout = NULL;
    uint64_t swept = 0;
    bool removes = false;
    TRY(session_cache_path(s, &cache));
    TRY(open_store(s, w, p->dry_run, &layout, &removes));
    TRY(usage_read(&u, cache, layout, true));
    TRY(find_policy(w, p, &u, cache));
    pick(&u, w, p->all);
    usage_choose(&u, &w->policy);
    if (w->shows)
        usage_show(&u, &w->show);
    *freed = usage_show_bytes(&u, true);
    if (p->dry_run)
        return NULL;
    TRY(usage_remove(&u, cache, removes ? layout : NULL, freed));
    /* Without filters: what killed processes left as well, and where blobs that are gone came from. */
    if (removes && !w->filters.count)
        TRY(layout_sweep(layout, &swept));
    *freed += swept;
    return NULL;
}

static struct err *run(void *settings, const struct strlist *args)
{
    const struct prune_settings *p = settings;
    AUTO_VALUE(session_wipe) struct session s = {.shared = &p->shared};
    AUTO_VALUE(wish_wipe) struct wish w = {0};
    uint64_t freed = 0;
    char size[NUM_SIZE_TEXT];

    (void)args;
    TRY(read_wish(&w, p));
    struct err *e = prune(&s, &w, p, &freed);
    /* What a build with --userns subuid unpacked belongs to our subordinate ids. The locks are given up, so
     * that the process there can have them. */
    if (e && err_kind_of(e) == ERR_DENIED && !sandbox_in_range()) {
        session_wipe(&s);
        s = (struct session){.shared = &p->shared};
        err_free(session_enter_range(&p->shared));
    }
    TRY(e);
    fprintf(stderr, p->dry_run ? "would free %s\n" : "freed %s\n", num_size_text(freed, size));
    return NULL;
}

const struct command cmd_prune = {
    .name = "prune",
    .arguments = "",
    .summary = "Remove blobs that no name leads to, and the cache",
    .groups = groups,
    .group_count = ARRAY_LEN(groups),
    .settings_size = sizeof(struct prune_settings),
    .args_min = 0,
    .args_max = 0,
    .run = run,
};
