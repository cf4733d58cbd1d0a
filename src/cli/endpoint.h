/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_CLI_ENDPOINT_H
#define LADE_CLI_ENDPOINT_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/place.h"
#include "cli/session.h"
#include "image/desc.h"
#include "image/platform.h"
#include "image/store.h"
#include "push/companions.h"

#include <stdbool.h>

/*
 * Places (cli/place.h) opened: one image to be read, or one graph to be written to any number of places.
 */
struct endpoint {
    struct store *store;          /* to read from */
    struct desc root;             /* what the place names */
    struct store *behind;         /* what `store` stands on, freed after it; may be NULL */
    char *scratch;                /* a directory that goes with it, or NULL */
    bool local;                   /* it is in the local store already */
    struct companions companions; /* what goes with it to registries */
};

/* Find the image at `p`. ERR_NOT_FOUND with a hint where else it may be. Archives are taken apart in the
 * cache. */
MUST_USE struct err *endpoint_open(struct endpoint *out, struct session *s, const struct place *p);
void endpoint_wipe(struct endpoint *e);

/* Of the image that is there, the one for `want`; nothing happens when `want` is not set. */
MUST_USE struct err *endpoint_choose(struct endpoint *e, const struct platform *want);

/* Find what refers to the image at `p`, a place in a registry. */
MUST_USE struct err *endpoint_add_companions(struct endpoint *e, struct session *s, const struct place *p);

/* Write an image to all places; those in registries share their uploads. `results` receives a
 * line for each registry or store name: "localhost:5000/app:1@sha256:…". */
MUST_USE struct err *endpoint_write(struct session *s, const struct endpoint *image, const struct place *to,
                                    size_t count, struct strlist *results);

/* Bring an image into the local store and name it there; `results` as above. */
MUST_USE struct err *endpoint_keep(struct session *s, const struct endpoint *image, const struct ref *name,
                                   struct strlist *results);

/* Publish it under references; `results` as above. */
MUST_USE struct err *endpoint_push(struct session *s, const struct endpoint *image, const struct ref *refs,
                                   size_t count, struct strlist *results);
/* Write `root` to an archive or to an OCI layout in a directory, under each of `names`. */
struct archive_target {
    enum place_kind kind; /* PLACE_OCI_DIR, PLACE_OCI_ARCHIVE, PLACE_DOCKER_ARCHIVE */
    const char *path;     /* "-": standard output */
    struct strlist names; /* may be empty */
};
MUST_USE struct err *endpoint_archive(struct session *s, struct store *from, const struct desc *root,
                                      const struct archive_target *to);

/* Lines to standard output. */
void endpoint_print(const struct strlist *results);

#endif
