/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "cli/all_tags.h"
#include "cli/cli.h"
#include "cli/endpoint.h"
#include "cli/report.h"
#include "cli/session.h"
#include "image/convert.h"

struct copy_settings {
    struct shared shared;
    const char *platform, *format, *metadata_file;
    bool all_tags, referrers;
};

static const struct opt copy_options[] = {
    {"all-tags", 'a', OPT_FLAG, NULL, "copy all tags of a repository; no place has a tag then",
     offsetof(struct copy_settings, all_tags), 0, NULL},
    {"format", 'f', OPT_TEXT, "oci|docker",
     "change media types to those of OCI or of Docker, and so the digest",
     offsetof(struct copy_settings, format), 0, NULL},
    {"metadata-file", 0, OPT_TEXT, "FILE", "write what was published to a file, as JSON",
     offsetof(struct copy_settings, metadata_file), 0, NULL},
    {"platform", 0, OPT_TEXT, "PLATFORM", "copy the image for one platform only",
     offsetof(struct copy_settings, platform), 0, NULL},
    {"referrers", 0, OPT_FLAG, NULL,
     "copy signatures and whatever else refers to the image too, from registry to registry",
     offsetof(struct copy_settings, referrers), 0, NULL},
};

static const struct opt_group groups[] = {
    {"Options", copy_options, ARRAY_LEN(copy_options)},
    SHARED_PUBLISH,
    SHARED_REGISTRY,
    SHARED_TIME,
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

static struct err *check_stdout(const struct place *target, bool *stdout_taken)
{
    if (!str_eq(target->path, "-"))
        return NULL;
    if (*stdout_taken)
        return err_new(ERR_USAGE, "only one target can be standard output");
    *stdout_taken = true;
    return NULL;
}

static struct err *places_parse(struct places *out, const struct strlist *args, bool all_tags,
                                bool *stdout_taken)
{
    out->item = mem_zero(args->count, sizeof *out->item);
    for (size_t i = 0; i < args->count; i++) {
        struct place *place = &out->item[out->count];
        TRY((all_tags ? all_tags_parse : place_parse)(place, args->item[i]));
        out->count++;
        if (i == 0)
            continue;
        TRY(place_check_target(place));
        TRY(check_stdout(place, stdout_taken));
    }
    return NULL;
}

/* What refers to an image can be found in registries only, and is kept by them. */
static struct err *check_referrers(const struct copy_settings *c, const struct places *places)
{
    if (!c->referrers)
        return NULL;
    if (c->format)
        return err_hint(err_new(ERR_USAGE, "--referrers and --format exclude each other"),
                        "what refers to an image names its digest, which another format changes");
    for (size_t i = 0; i < places->count; i++)
        if (places->item[i].kind != PLACE_REGISTRY)
            return err_new(ERR_USAGE, "--referrers: %s is no place in a registry (docker://...)",
                           places->item[i].shown);
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

static struct err *parse_format(const char *text, enum convert_to *out)
{
    *out = str_eq(text, "docker") ? CONVERT_DOCKER : CONVERT_OCI;
    if (!text || str_eq(text, "oci") || *out == CONVERT_DOCKER)
        return NULL;
    AUTO(mem_free) char *safe = str_safe(text);
    return err_new(ERR_USAGE, "--format: expected oci or docker, found \"%s\"", safe);
}

/* The image as it is to be written, from here on; `image` gives the rest and must stay. */
static struct err *convert(struct session *s, const struct endpoint *image, enum convert_to to,
                           struct endpoint *out)
{
    char before[DIGEST_TEXT], after[DIGEST_TEXT];
    TRY(convert_image(&out->store, image->store, &image->root, to, &s->events, &out->root));
    if (!digest_equal(&image->root.digest, &out->root.digest))
        event_note(&s->events, "in the media types of %s, %s becomes %s",
                   to == CONVERT_DOCKER ? "Docker" : "OCI", digest_text(&image->root.digest, before),
                   digest_text(&out->root.digest, after));
    return NULL;
}

static struct err *copy_image(struct session *s, const struct copy_settings *c, const struct place *from,
                              const struct place *to, size_t count, struct strlist *results)
{
    AUTO_VALUE(endpoint_wipe) struct endpoint image = {0};
    AUTO_VALUE(endpoint_wipe) struct endpoint converted = {0};
    struct platform platform = {0};
    enum convert_to format = CONVERT_OCI;
    TRY(session_platform(&platform, c->platform));
    TRY(parse_format(c->format, &format));
    TRY(endpoint_open(&image, s, from));
    TRY(endpoint_choose(&image, &platform));
    if (c->referrers)
        TRY(endpoint_add_companions(&image, s, from));
    if (!c->format)
        return endpoint_write(s, &image, to, count, results);
    TRY(convert(s, &image, format, &converted));
    return endpoint_write(s, &converted, to, count, results);
}

static struct err *copy_tags(struct session *s, const struct copy_settings *c, const struct places *places,
                             struct strlist *results)
{
    AUTO_VALUE(strlist_wipe) struct strlist tags = {0};
    TRY(all_tags_list(&tags, s, &places->item[0]));
    for (size_t t = 0; t < tags.count; t++) {
        AUTO_VALUE(places_wipe) struct places at = {0};
        at.item = mem_zero(places->count, sizeof *at.item);
        for (; at.count < places->count; at.count++)
            all_tags_at(&at.item[at.count], &places->item[at.count], tags.item[t]);
        TRY(copy_image(s, c, &at.item[0], at.item + 1, at.count - 1, results));
    }
    return NULL;
}

static struct err *run(void *settings, const struct strlist *args)
{
    const struct copy_settings *c = settings;
    AUTO_VALUE(session_wipe) struct session s = {0};
    AUTO_VALUE(places_wipe) struct places places = {0};
    AUTO_VALUE(strlist_wipe) struct strlist results = {0};
    bool stdout_taken = false;
    TRY(places_parse(&places, args, c->all_tags, &stdout_taken));
    TRY(check_referrers(c, &places));
    TRY(report_forget("--metadata-file", c->metadata_file));
    TRY(session_open(&s, &c->shared));
    report_begin(&s, c->metadata_file);
    TRY(open_layout(&s, &places));
    struct err *e = c->all_tags
                        ? copy_tags(&s, c, &places, &results)
                        : copy_image(&s, c, &places.item[0], places.item + 1, places.count - 1, &results);
    session_quiet(&s);
    if (!stdout_taken)
        endpoint_print(&results);
    return e ? e : report_write(&s, c->metadata_file);
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
