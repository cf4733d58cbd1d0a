/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/num.h"
#include "cli/cli.h"
#include "cli/endpoint.h"
#include "cli/session.h"
#include "layers/verify.h"
#include "registry/origin.h"

#include <inttypes.h>
#include <stdio.h>

struct verify_settings {
    struct shared shared;
    bool local, repair;
};

static const struct opt verify_options[] = {
    {"local", 0, OPT_FLAG, NULL, "fetch nothing: layers left where their base came from are only noted",
     offsetof(struct verify_settings, local), 0, NULL},
    {"repair", 0, OPT_FLAG, NULL, "remove what is broken from a whole store; implies --local",
     offsetof(struct verify_settings, repair), 0, NULL},
};

static const struct opt_group groups[] = {
    {"Options", verify_options, ARRAY_LEN(verify_options)},
    SHARED_REGISTRY,
    SHARED_TIME,
    SHARED_STORE,
    SHARED_CACHE,
    SHARED_GENERAL,
};

static void print_finding(void *ctx, enum verify_finding what, const char *line)
{
    (void)ctx;
    (void)what;
    puts(line);
}

static struct err *verdict(const struct verify_counts *c, const char *shown)
{
    char size[NUM_SIZE_TEXT];

    fprintf(stderr, "verified %" PRIu64 " blobs (%s)\n", c->blobs, num_size_text(c->bytes, size));
    if (c->broken)
        return err_new(ERR_INTEGRITY, "%s: %" PRIu64 " broken, %" PRIu64 " missing", shown, c->broken,
                       c->missing);
    if (c->missing)
        return err_new(ERR_NOT_FOUND, "%s: %" PRIu64 " missing", shown, c->missing);
    return NULL;
}

/* What is broken is gone after this, so there is nothing left to complain of. */
static struct err *repaired(struct verify *v, struct store *layout)
{
    struct verify_counts found = verify_counts(v);

    TRY(verify_repair(v, layout));
    fprintf(stderr, "repaired: %" PRIu64 " broken, %" PRIu64 " missing\n", found.broken, found.missing);
    return NULL;
}

static struct err *verify_all(struct session *s, const struct verify_settings *o, struct store *layout,
                              const char *shown)
{
    const struct verify_options options = {.local = o->local || o->repair, .say = print_finding};
    AUTO(store_free) struct store *origins = NULL;
    struct registry *registry = NULL;

    TRY(session_registry(s, &registry));
    origins = origin_store(layout, registry, false);
    AUTO(verify_free) struct verify *v = verify_new(layout, origins, &options);
    TRY(verify_layout(v, layout));
    if (o->repair)
        return repaired(v, layout);
    struct verify_counts counts = verify_counts(v);
    return verdict(&counts, shown);
}

static struct err *verify_one(struct session *s, const struct verify_settings *o, const struct place *place)
{
    const struct verify_options options = {.local = o->local, .say = print_finding};
    AUTO_VALUE(endpoint_wipe) struct endpoint image = {0};

    TRY(endpoint_open(&image, s, place));
    /* What an image of a layout is opened as hides a damaged blob behind a good one at its origin. */
    struct store *layout = image.behind;
    if (place->kind == PLACE_STORE)
        TRY(session_layout(s, LAYOUT_READ, &layout));
    AUTO(verify_free) struct verify *v = verify_new(layout ? layout : image.store, image.store, &options);
    TRY(verify_image(v, &image.root, place->shown));
    struct verify_counts counts = verify_counts(v);
    return verdict(&counts, place->shown);
}

static struct err *run(void *settings, const struct strlist *args)
{
    const struct verify_settings *o = settings;
    enum layout_mode mode = o->repair ? LAYOUT_REMOVE : LAYOUT_READ;
    AUTO_VALUE(session_wipe) struct session s = {0};
    AUTO_VALUE(place_wipe) struct place place = {0};
    AUTO(store_free) struct store *directory = NULL;
    struct store *layout = NULL;

    if (args->count > 0)
        TRY(place_parse(&place, args->item[0]));
    bool whole = args->count == 0 || (place.kind == PLACE_OCI_DIR && !place.tag);
    if (o->repair && !whole)
        return err_new(ERR_USAGE, "--repair takes a whole store: oci:DIR, or nothing for the local store");
    TRY(session_open(&s, &o->shared));
    session_quiet(&s);
    if (!whole)
        return verify_one(&s, o, &place);
    if (args->count == 0)
        TRY(session_layout(&s, mode, &layout));
    else
        TRY(layout_open(&directory, place.path, mode));
    return verify_all(&s, o, directory ? directory : layout, place.shown ? place.shown : "the local store");
}

const struct command cmd_verify = {
    .name = "verify",
    .arguments = "[PLACE]",
    .summary = "Check that an image, or a whole store, is what it says it is",
    .groups = groups,
    .group_count = ARRAY_LEN(groups),
    .settings_size = sizeof(struct verify_settings),
    .args_min = 0,
    .args_max = 1,
    .run = run,
};
