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

/*
 * Publish one image under one or more references: blobs, then child manifests by digest, then the root, then
 * the tags; a tag moves only when everything below it is there, in every repository. References to one
 * repository share one upload; a second repository on the same registry gets the blobs by mount from the
 * first.
 *
 * Blobs may go ahead while the image is still being built:
 *
 *     push_begin → push_ready for each finished blob → push_finish with the root → push_free
 */
struct push_options {
    unsigned jobs; /* blobs at once; 0: 4 */
    const struct events *events;
};
struct push_target {
    struct ref ref;
    struct desc pushed;        /* out: what the tag names now */
    struct copy_report report; /* out: of the repository's upload; zero for further tags of the same one */
};

struct push;
/* `from` will hold the graph; it, the targets and the options' events are borrowed until push_free. Makes no
 * request. */
MUST_USE struct err *push_begin(struct push **out, struct registry *r, struct store *from,
                                struct push_target *targets, size_t count,
                                const struct push_options *options);
/* This blob will be part of the image: send it to the first target in the background. A failure is not
 * reported here: push_finish tries again. Not for manifests. Call it from one thread. */
void push_ready(struct push *p, const struct desc *d);
/* Send the rest, then set the tags. All uploads come before the first tag; the first failure stops what
 * follows. */
MUST_USE struct err *push_finish(struct push *p, const struct desc *root);
/* Without push_finish: what is under way is stopped. */
void push_free(struct push *p);
AUTO_DEFINE(struct push *, push_free)

#endif
