/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/form.h"
#include "cli/session.h"
#include "cli/usage_filter.h"
#include "cli/usage_show.h"

struct du_settings {
    struct shared shared;
    struct strlist filters;
    const char *format;
    bool verbose;
};

static const struct opt du_options[] = {
    {"filter", 0, OPT_LIST, "FILTER",
     "only what matches: until=24h, type=KIND, id=ID, inuse, shared…; repeat",
     offsetof(struct du_settings, filters), 0, NULL},
    {"format", 0, OPT_TEXT, "FORMAT", "table or json", offsetof(struct du_settings, format), 0, NULL},
    {"verbose", 'v', OPT_FLAG, NULL, "a line for each entry", offsetof(struct du_settings, verbose), 0, NULL},
};

static const struct opt_group groups[] = {
    {"Options", du_options, ARRAY_LEN(du_options)},
    SHARED_STORE,
    SHARED_CACHE,
    SHARED_GENERAL,
};

static struct err *open_store(struct session *s, struct store **out)
{
    struct err *e = session_layout(s, LAYOUT_READ, out);
    if (!e || err_kind_of(e) != ERR_NOT_FOUND || s->shared->store)
        return e;
    err_free(e);
    *out = NULL; /* nothing was ever stored */
    return NULL;
}

static struct err *run(void *settings, const struct strlist *args)
{
    const struct du_settings *d = settings;
    AUTO_VALUE(session_wipe) struct session s = {.shared = &d->shared};
    AUTO_VALUE(usage_filters_wipe) struct usage_filters filters = {0};
    AUTO_VALUE(usage_wipe) struct usage u = {0};
    AUTO(mem_free) char *cache = NULL;
    struct usage_show how = {.verbose = d->verbose};
    struct store *layout = NULL;

    (void)args;
    TRY(form_parse(d->format, &how.json));
    TRY(usage_filters_parse(&filters, &d->filters));
    TRY(session_cache_path(&s, &cache));
    TRY(open_store(&s, &layout));
    TRY(usage_read(&u, cache, layout, true));
    for (size_t i = 0; i < u.count; i++)
        u.item[i].picked = usage_filters_match(&filters, &u.item[i]);
    usage_show(&u, &how);
    return NULL;
}

const struct command cmd_du = {
    .name = "du",
    .arguments = "",
    .summary = "Show what the cache and the local store take on the disk",
    .groups = groups,
    .group_count = ARRAY_LEN(groups),
    .settings_size = sizeof(struct du_settings),
    .args_min = 0,
    .args_max = 0,
    .run = run,
};
