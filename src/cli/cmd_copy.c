/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/endpoint.h"
#include "cli/session.h"

struct copy_settings {
    struct shared shared;
    const char *platform;
};

static const struct opt copy_options[] = {
    {"platform", 0, OPT_TEXT, "PLATFORM", "copy the image for one platform only",
     offsetof(struct copy_settings, platform), 0, NULL},
};

static const struct opt_group groups[] = {
    {"Options", copy_options, ARRAY_LEN(copy_options)},
    SHARED_REGISTRY,
    SHARED_STORE,
    SHARED_CACHE,
    SHARED_JOBS,
    SHARED_PROGRESS,
    SHARED_GENERAL,
};

struct places {
    struct place *item;
    size_t count;
};

static void places_wipe(struct places *p)
{
    for (size_t i = 0; i < p->count; i++)
        place_wipe(&p->item[i]);
    free(p->item);
}

static struct err *places_parse(struct places *out, const struct strlist *args, bool *stdout_taken)
{
    out->item = mem_zero(args->count, sizeof *out->item);
    for (size_t i = 0; i < args->count; i++) {
        TRY(place_parse(&out->item[out->count], args->item[i]));
        const struct place *place = &out->item[out->count++];
        if (i == 0)
            continue;
        TRY(place_check_target(place));
        if (!str_eq(place->path, "-"))
            continue;
        if (*stdout_taken)
            return err_new(ERR_USAGE, "only one target can be standard output");
        *stdout_taken = true;
    }
    return NULL;
}

/* What is read or written in the local store has to be opened so that both can be done. */
static struct err *open_layout(struct session *s, const struct places *places)
{
    struct store *layout = NULL;
    for (size_t i = 1; i < places->count; i++)
        if (places->item[i].kind == PLACE_STORE)
            return session_layout(s, LAYOUT_WRITE, &layout);
    return NULL;
}

static struct err *run(void *settings, const struct strlist *args)
{
    const struct copy_settings *c = settings;
    AUTO_VALUE(session_wipe) struct session s = {0};
    AUTO_VALUE(places_wipe) struct places places = {0};
    AUTO_VALUE(endpoint_wipe) struct endpoint image = {0};
    AUTO_VALUE(strlist_wipe) struct strlist results = {0};
    struct platform platform = {0};
    bool stdout_taken = false;
    TRY(session_platform(&platform, c->platform));
    TRY(places_parse(&places, args, &stdout_taken));
    TRY(session_open(&s, &c->shared));
    TRY(open_layout(&s, &places));
    TRY(endpoint_open(&image, &s, &places.item[0]));
    TRY(endpoint_choose(&image, &platform));
    struct err *e = endpoint_write(&s, &image, places.item + 1, places.count - 1, &results);
    session_quiet(&s);
    if (!stdout_taken)
        endpoint_print(&results);
    return e;
}

const struct command cmd_copy = {
    .name = "copy",
    .arguments = "SOURCE TARGET...",
    .summary = "Copy an image from any place to any others",
    .groups = groups,
    .group_count = ARRAY_LEN(groups),
    .settings_size = sizeof(struct copy_settings),
    .args_min = 2,
    .args_max = SIZE_MAX,
    .run = run,
};
