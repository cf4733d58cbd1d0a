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
 * first. Different registries are sent to at once.
 *
 * What is known is not asked for: a tag that names this image is looked at, and that is all (HEAD). Else,
 * when no blob went ahead, the manifest is asked for by its digest: a registry that has it has all below it,
 * since it takes a manifest only with its blobs, so it only gets the name (HEAD, HEAD, PUT, and the look at
 * the tag after). So it is with the images of an index, which are put again by digest before it, since a
 * registry that takes an index looks for no blobs. One that has lost a blob says so when the image is put;
 * then all blobs are asked for and sent where they are missing. What a build made anew cannot be there, and
 * is asked for by blobs alone, which saves the two rounds.
 *
 * Blobs may go ahead while the image is still being built:
 *
 *     push_begin → push_ready for each finished blob → push_finish with the root → push_free
 */
/* What becomes of a tag that is there and names another image. One that names this image is always fine. */
enum push_exists {
    PUSH_OVERWRITE, /* it is moved */
    PUSH_SKIP,      /* it stays as it is; nothing is sent for it */
    PUSH_FAIL,      /* ERR_CONFLICT, before anything is sent */
};
/* A manifest that goes with the image, as a signature does: sent after it, and before its tags. */
struct push_companion {
    struct desc desc;
    char *tag; /* what it is named; NULL: it is known by its subject */
};
struct push_options {
    unsigned jobs; /* blobs at once to each registry; 0: 4 */
    enum push_exists if_exists;
    bool by_digest;                          /* set no tag */
    bool with_foreign;                       /* send non-distributable layers too */
    const struct push_companion *companions; /* borrowed; `from` has them */
    size_t companion_count;
    const struct events *events;
};
struct push_target {
    struct ref ref;
    bool skipped;              /* out: PUSH_SKIP left it alone */
    bool known;                /* out: the repository had the image already; at most the tag was set */
    struct desc pushed;        /* out: what the tag names now; what it named before when it was skipped */
    struct copy_report report; /* out: of the repository's upload; zero for further tags of the same one */
};

struct push;
/* `from` will hold the graph; it, the targets and the options' events are borrowed until push_free. Makes no
 * request. */
MUST_USE struct err *push_begin(struct push **out, struct registry *r, struct store *from,
                                struct push_target *targets, size_t count,
                                const struct push_options *options);
/* This blob will be part of an image that is probably nowhere yet: send it to the first target in the
 * background. A failure is not reported here: push_finish tries again. Not for manifests. Call it from one
 * thread. */
void push_ready(struct push *p, const struct desc *d);
/* Send the rest, to different registries at once, then set the tags. All uploads come before the first tag;
 * the first failure stops what follows. Each tag is looked at after: ERR_INTEGRITY when the registry does not
 * have what it said that it took; a warning when somebody else has moved the tag since. */
MUST_USE struct err *push_finish(struct push *p, const struct desc *root);
/* Without push_finish: what is under way is stopped. */
void push_free(struct push *p);
AUTO_DEFINE(struct push *, push_free)

#endif
