/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_VERIFY_H
#define LADE_LAYERS_VERIFY_H

#include "base/attr.h"
#include "base/err.h"
#include "image/desc.h"
#include "image/layout.h"
#include "image/store.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Is an image what it says it is? Every blob's size and digest; every manifest's, index's and config's text;
 * the links between them; as many layers as the config has diff IDs; the plain bytes of every layer against
 * its diff ID, decompressed in a process of their own (layers/reader.h) and digested here. Each blob is read
 * once, however many images share it.
 */
enum verify_finding {
    VERIFY_BROKEN,  /* not what was promised */
    VERIFY_MISSING, /* promised and not there */
    VERIFY_NOTE,    /* worth a word, and no fault */
};

struct verify_options {
    bool local; /* a layer that is absent, but whose origin is known, is only noted; else it is fetched */
    /* Each finding, as it is found: one line without its end, fit to be shown. */
    void (*say)(void *ctx, enum verify_finding what, const char *line);
    void *ctx;
};

struct verify_counts {
    uint64_t blobs, bytes; /* that were read */
    uint64_t broken, missing;
};

struct verify;
/* All borrowed. `elsewhere` has what is absent from `store`; may be NULL. */
struct verify *verify_new(struct store *store, struct store *elsewhere, const struct verify_options *options);
/* An image, called `name` in what is said (already safe to show). Findings are no errors; what keeps us from
 * looking is one (no access, no network). */
MUST_USE struct err *verify_image(struct verify *v, const struct desc *root, const char *name);
/* All images of a layout, which `store` is, and what no image refers to. */
MUST_USE struct err *verify_layout(struct verify *v, struct store *layout);
/* After verify_layout: remove the blobs whose bytes are wrong, then what names images that have become or
 * were broken; `say` tells each as a note. Needs LAYOUT_REMOVE. What is left is sound. */
MUST_USE struct err *verify_repair(struct verify *v, struct store *layout);
struct verify_counts verify_counts(const struct verify *v);
void verify_free(struct verify *v);
AUTO_DEFINE(struct verify *, verify_free)

#endif
