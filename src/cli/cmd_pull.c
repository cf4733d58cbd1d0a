/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/endpoint.h"
#include "cli/session.h"
#include "cli/user.h"

struct pull_settings {
    struct shared shared;
    const char *platform;
    bool all_platforms;
};

static const struct opt pull_options[] = {
    {"all-platforms", 'a', OPT_FLAG, NULL, "bring the images for all platforms",
     offsetof(struct pull_settings, all_platforms), 0, NULL},
    {"platform", 0, OPT_TEXT, "PLATFORM", "os/architecture[/variant] (this machine's)",
     offsetof(struct pull_settings, platform), 0, NULL},
};

static const struct opt_group groups[] = {
    {"Options", pull_options, ARRAY_LEN(pull_options)},
    SHARED_REGISTRY,
    SHARED_TIME,
    SHARED_STORE,
    SHARED_JOBS,
    SHARED_PROGRESS,
    SHARED_GENERAL,
};

/* From the registry to the same name here. */
static struct err *pull(struct session *s, const char *text, const struct platform *platform,
                        struct strlist *results)
{
    AUTO_VALUE(endpoint_wipe) struct endpoint image = {0};
    AUTO_VALUE(place_wipe) struct place place = {.kind = PLACE_REGISTRY, .shown = str_safe(text)};
    TRY(place_parse_ref(&place.ref, text));
    TRY(err_wrap(endpoint_open(&image, s, &place), "pull %s", place.shown));
    TRY(endpoint_choose(&image, platform));
    return endpoint_keep(s, &image, &place.ref, results);
}

static struct err *run(void *settings, const struct strlist *args)
{
    const struct pull_settings *p = settings;
    AUTO_VALUE(session_wipe) struct session s = {0};
    AUTO_VALUE(strlist_wipe) struct strlist results = {0};
    struct platform platform = {0};
    if (!p->all_platforms)
        platform = platform_host();
    if (p->all_platforms && p->platform)
        return err_new(ERR_USAGE, "--platform and --all-platforms exclude each other");
    TRY(session_platform(&platform, p->platform));
    TRY(session_open(&s, &p->shared));
    struct err *e = NULL;
    for (size_t i = 0; i < args->count && !e; i++)
        e = pull(&s, args->item[i], &platform, &results);
    session_quiet(&s);
    endpoint_print(&results);
    session_limit_cache(&s);
    return e;
}

const struct command cmd_pull = {
    .name = "pull",
    .arguments = "REF...",
    .summary = "Bring images from registries into the local store",
    .groups = groups,
    .group_count = ARRAY_LEN(groups),
    .settings_size = sizeof(struct pull_settings),
    .args_min = 1,
    .args_max = SIZE_MAX,
    .run = run,
    .registries = user_registries_of_refs,
};
