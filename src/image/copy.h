/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_IMAGE_COPY_H
#define LADE_IMAGE_COPY_H

#include "base/attr.h"
#include "base/err.h"
#include "image/desc.h"
#include "image/digestset.h"
#include "image/event.h"
#include "image/platform.h"
#include "image/store.h"

#include <stdatomic.h>
#include <stdbool.h>

/*
 * Copy a graph between two stores. Push, pull, copy, export and import are this function with different
 * stores at its ends. Children before parents, `root` last, so a reader of the target never sees a parent
 * whose children are missing; blobs that the target has are not read; each blob once; several at a time.
 * Manifests' bytes pass unchanged.
 */
struct copy_options {
    unsigned jobs;                   /* blobs at once; 0: 4 */
    const struct events *events;     /* may be NULL */
    const char *verb;                /* "push", "pull", "copy" for messages and events */
    const char *tag;                 /* put the root and name it in one step, where `to` can
                                        (store_can_put_tagged); NULL, or elsewhere: it gets no name here */
    bool skip_foreign;               /* leave non-distributable layers out (the default everywhere) */
    const struct digestset *present; /* blobs that the target is known to have; may be NULL */
    bool from_top; /* `to` takes a manifest only with all below it, as registries do: ask for manifests first,
                      and for no blob of one that is there; the images of an index are put again, since `to`
                      says of those only when they are put what it has lost */
    const atomic_bool *cancel; /* ends the copy with ERR_STOPPED once it is true; may be NULL */
};
struct copy_report {
    uint64_t blobs_sent, blobs_mounted, blobs_present; /* config and layers; each digest once */
    uint64_t bytes_sent;
    bool known; /* with from_top: the root was there, and no blob was asked for or counted */
};

/* Errors: ERR_INTEGRITY when a blob is not what its descriptor says; whatever the stores return, wrapped with
 * the digest. The first failure stops the rest. `report` (may be NULL) is added to. OCI distribution-spec
 * v1.1, "Pushing Manifests". */
MUST_USE struct err *copy_graph(struct store *to, struct store *from, const struct desc *root,
                                const struct copy_options *options, struct copy_report *report);

/* Is it of a manifest that was refused because of something below it, which the place had, or was given, and
 * has lost? `believed`: nobody looked whether all of it is there, so any refusal of what it says may be that;
 * registries have many codes for it. copy_graph sends all that is not there then; who names what is there has
 * to say so. */
bool copy_is_of_lost_blob(const struct err *e, bool believed);

/* One blob that is no manifest, in the same way. `report` (may be NULL) is added to. */
MUST_USE struct err *copy_blob(struct store *to, struct store *from, const struct desc *d,
                               const struct copy_options *options, struct copy_report *report);

/* Of an index, the manifest for `want`; of a manifest, itself. ERR_NOT_FOUND lists what there is. */
MUST_USE struct err *copy_choose(struct store *from, const struct desc *root, const struct platform *want,
                                 struct desc *out);

#endif
