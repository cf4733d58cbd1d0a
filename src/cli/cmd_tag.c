/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/place.h"
#include "cli/session.h"
#include "cli/tag_remote.h"

struct tag_settings {
    struct shared shared;
};

static const struct opt_group groups[] = {SHARED_REGISTRY, SHARED_TIME, SHARED_STORE, SHARED_GENERAL};

static struct err *parse(const char *text, struct place *out)
{
    TRY(place_parse(out, text));
    if (out->kind != PLACE_STORE)
        return err_hint(err_new(ERR_USAGE, "%s is no name in the local store", out->shown),
                        "lade copy takes all kinds of places");
    return NULL;
}

static struct err *set_name(struct store *layout, const char *text, const struct desc *d)
{
    AUTO_VALUE(place_wipe) struct place place = {0};
    TRY(parse(text, &place));
    if (!place.ref.tag || digest_is_set(&place.ref.digest))
        return err_new(ERR_USAGE, "%s: a new name has no digest", place.shown);
    AUTO(mem_free) char *name = ref_text(&place.ref);
    return store_tag(layout, name, d);
}

static struct err *check_names(const struct strlist *args)
{
    for (size_t i = 1; i < args->count; i++) {
        AUTO_VALUE(place_wipe) struct place place = {0};
        TRY(parse(args->item[i], &place));
    }
    return NULL;
}

static struct err *tag_local(const struct shared *shared, const struct strlist *args)
{
    AUTO_VALUE(session_wipe) struct session s = {.shared = shared};
    AUTO_VALUE(place_wipe) struct place from = {0};
    AUTO_VALUE(desc_wipe) struct desc d = {0};
    struct store *layout = NULL;
    bool found = false;
    TRY(parse(args->item[0], &from));
    TRY(check_names(args));
    TRY(session_layout(&s, LAYOUT_WRITE, &layout));
    AUTO(mem_free) char *name = place_store_name(&from.ref);
    TRY(store_resolve(layout, name, &d, &found));
    if (!found)
        return err_hint(err_new(ERR_NOT_FOUND, "image %s is not in the local store", from.shown),
                        "\"lade ls\" lists what is there");
    for (size_t i = 1; i < args->count; i++)
        TRY(set_name(layout, args->item[i], &d));
    return NULL;
}

static struct err *run(void *settings, const struct strlist *args)
{
    const struct tag_settings *t = settings;
    AUTO_VALUE(session_wipe) struct session s = {0};
    if (!str_starts(args->item[0], "docker://"))
        return tag_local(&t->shared, args);
    TRY(session_open(&s, &t->shared));
    return tag_remote(&s, args);
}

const struct command cmd_tag = {
    .name = "tag",
    .arguments = "IMAGE NAME...",
    .summary = "Give an image in the local store, or in a registry, further names",
    .groups = groups,
    .group_count = ARRAY_LEN(groups),
    .settings_size = sizeof(struct tag_settings),
    .args_min = 2,
    .args_max = SIZE_MAX,
    .run = run,
};
