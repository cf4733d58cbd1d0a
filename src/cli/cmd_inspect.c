/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/describe.h"
#include "cli/endpoint.h"
#include "cli/session.h"
#include "image/config.h"
#include "image/manifest.h"
#include "image/mediatype.h"

#include <stdio.h>

struct inspect_settings {
    struct shared shared;
    const char *platform;
    bool raw, config;
};

static const struct opt inspect_options[] = {
    {"config", 0, OPT_FLAG, NULL, "print the image's config, byte for byte",
     offsetof(struct inspect_settings, config), 0, NULL},
    {"platform", 0, OPT_TEXT, "PLATFORM", "the image for one platform, of an index",
     offsetof(struct inspect_settings, platform), 0, NULL},
    {"raw", 0, OPT_FLAG, NULL, "print the manifest or index, byte for byte",
     offsetof(struct inspect_settings, raw), 0, NULL},
};

static const struct opt_group groups[] = {
    {"Options", inspect_options, ARRAY_LEN(inspect_options)},
    SHARED_REGISTRY,
    SHARED_TIME,
    SHARED_STORE,
    SHARED_CACHE,
    SHARED_GENERAL,
};

static void print_bytes(const struct buf *bytes)
{
    fwrite(bytes->data, 1, bytes->len, stdout);
}

/* A config belongs to one image: of an index, to that for this machine. */
static struct err *print_config(struct endpoint *image, const struct platform *platform)
{
    AUTO_VALUE(buf_wipe) struct buf bytes = BUF(MANIFEST_SIZE_MAX);
    AUTO_VALUE(buf_wipe) struct buf config = BUF(CONFIG_SIZE_MAX);
    AUTO_VALUE(manifest_wipe) struct manifest m = {0};
    struct platform host = platform_host();
    TRY(endpoint_choose(image, platform_is_set(platform) ? platform : &host));
    TRY(store_read(image->store, &image->root, &bytes));
    TRY(manifest_parse(&m, bytes.data, bytes.len, image->root.media_type, "manifest"));
    TRY(store_read(image->store, &m.config, &config));
    print_bytes(&config);
    return NULL;
}

static struct err *print_raw(struct endpoint *image, const struct platform *platform)
{
    AUTO_VALUE(buf_wipe) struct buf bytes = BUF(MANIFEST_SIZE_MAX);
    TRY(endpoint_choose(image, platform));
    TRY(store_read(image->store, &image->root, &bytes));
    print_bytes(&bytes);
    return NULL;
}

static struct err *print(struct endpoint *image, const struct inspect_settings *i, const char *shown)
{
    struct platform platform = {0};
    TRY(session_platform(&platform, i->platform));
    if (i->raw)
        return print_raw(image, &platform);
    if (i->config)
        return print_config(image, &platform);
    TRY(endpoint_choose(image, &platform));
    return describe_image(stdout, image->store, &image->root, shown);
}

static struct err *run(void *settings, const struct strlist *args)
{
    const struct inspect_settings *i = settings;
    AUTO_VALUE(session_wipe) struct session s = {0};
    AUTO_VALUE(place_wipe) struct place place = {0};
    AUTO_VALUE(endpoint_wipe) struct endpoint image = {0};
    if (i->raw && i->config)
        return err_new(ERR_USAGE, "--raw and --config exclude each other");
    TRY(place_parse(&place, args->item[0]));
    TRY(session_open(&s, &i->shared));
    TRY(endpoint_open(&image, &s, &place));
    return err_wrap(print(&image, i, place.shown), "%s", place.shown);
}

const struct command cmd_inspect = {
    .name = "inspect",
    .arguments = "PLACE",
    .summary = "Show what an image is",
    .groups = groups,
    .group_count = ARRAY_LEN(groups),
    .settings_size = sizeof(struct inspect_settings),
    .args_min = 1,
    .args_max = 1,
    .run = run,
};
