/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_PUSH_PUSH_H
#define LADE_PUSH_PUSH_H

#include "base/attr.h"
#include "base/err.h"
#include "image/copy.h"
#include "image/desc.h"
#include "image/event.h"
#include "image/ref.h"
#include "image/store.h"
#include "registry/registry.h"

#include <stdbool.h>

/*
 * Publish one image under one or more references: blobs, then child manifests by digest, then the root, then
 * the tags; a tag moves only when everything below it is there. References to one repository share one
 * upload; a second repository on the same registry gets the blobs by mount from the first.
 */
struct push_options {
    unsigned jobs;
    const struct events *events;
};
struct push_target {
    struct ref ref;
    struct desc pushed;        /* out: what the tag names now */
    struct copy_report report; /* out: of the repository's upload; zero for further tags of the same one */
};
/* `from` holds the graph under `root`. Stops at the first failure: what was pushed before stays, tags of
 * failed repositories are not moved. */
MUST_USE struct err *push_image(struct registry *r, struct store *from, const struct desc *root,
                                struct push_target *targets, size_t count,
                                const struct push_options *options);

#endif
