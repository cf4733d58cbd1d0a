/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_BASE_H
#define LADE_BUILDER_BASE_H

#include "base/attr.h"
#include "base/err.h"
#include "image/config.h"
#include "image/desc.h"
#include "image/platform.h"
#include "image/store.h"
#include "registry/registry.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * What FROM and COPY --from name when it is no stage: an image built or tagged here, else one in a registry.
 * Manifests and configs of registries are kept in a layout of their own in the cache, so that a second build
 * asks only what the tag names.
 */
struct base_image {
    char *name; /* the full reference, with the digest it was found at */
    struct config config;
    struct desclist layers; /* as the manifest has them */
    struct digest digest;   /* that the name led to: of a manifest or index */
    char *origin;           /* "host/repository" of an image in a registry, else NULL */
};

struct base_options {
    struct store *local; /* names of images that are here, and their blobs (registry/origin.h) */
    struct registry *registry;
    struct store *kept; /* a layout, for manifests and configs from registries, or NULL */
    bool pull;          /* ask the registry even when the name is known here */
};

/* Find the image for a platform. ERR_NOT_FOUND naming it; ERR_INPUT when it is no image that can be built on.
 */
MUST_USE struct err *base_find(struct base_image *out, const struct base_options *options, const char *name,
                               const struct platform *platform);
/* An image of nothing, as FROM scratch gives it. */
void base_scratch(struct base_image *out, const struct platform *platform);
void base_wipe(struct base_image *image);

/* In the cache: the layout of `kept`. */
#define BASE_FOLDER "bases"
/* Remove it; waits for builds that use it. */
MUST_USE struct err *base_forget(const char *cache, uint64_t *freed);

#define BASE_PATH_ENV "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

#endif
