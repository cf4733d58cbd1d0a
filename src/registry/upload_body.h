/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_UPLOAD_BODY_H
#define LADE_REGISTRY_UPLOAD_BODY_H

#include "base/attr.h"
#include "base/err.h"
#include "base/io.h"

#include <stdbool.h>
#include <stdint.h>

/* A blob's bytes as the body of one request after the other: a source that begins anywhere in another one. */
struct upload_body {
    struct source source; /* for the request; reopens when `from` does */
    struct source *from;  /* borrowed */
    uint64_t at;          /* where `from` stands */
    uint64_t begin;       /* where the request's body begins */
    bool failed;          /* `from` has failed: no fault of the registry */
};

void upload_body_init(struct upload_body *b, struct source *from);
/* The next request's body begins at `offset`. */
MUST_USE struct err *upload_body_set(struct upload_body *b, uint64_t offset);
/* Can it? */
bool upload_body_can(const struct upload_body *b, uint64_t offset);

#endif
