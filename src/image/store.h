/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_IMAGE_STORE_H
#define LADE_IMAGE_STORE_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "image/desc.h"

#include <stdbool.h>

/*
 * A place that holds blobs by descriptor and names some of them by tag. Implemented by a layout directory
 * (image/layout.h), an archive (layers/archive.h) and a registry repository (registry/remote.h). All
 * functions may be called from several threads at once. Manifests and indexes are blobs here too; what a
 * place does with them is its own matter.
 */
struct store;
struct store_ops {
    /* Is it there, whole? A missing blob is no error. */
    struct err *(*has)(struct store *s, const struct desc *d, bool *yes);
    /* Open it. The source verifies size and digest (ERR_INTEGRITY). ERR_NOT_FOUND when absent. */
    struct err *(*get)(struct store *s, const struct desc *d, struct source **out);
    /* Store it. Success means "it is stored", whoever did it. The bytes are verified before anyone can see
     * them. Reads `from` from its beginning; may reopen it to try again. */
    struct err *(*put)(struct store *s, const struct desc *d, struct source *from);
    /* What a tag (or, where the place has it, a digest "sha256:…") names; *found false when it names nothing.
     * NULL `tag` on a layout with exactly one image means that one. */
    struct err *(*resolve)(struct store *s, const char *tag, struct desc *out, bool *found);
    /* Make `tag` name `d`, replacing. All below `d` must be there already. */
    struct err *(*tag)(struct store *s, const char *tag, const struct desc *d);
    /* Both at once for a manifest: store it and make `tag` name it. May be NULL. */
    struct err *(*put_tagged)(struct store *s, const struct desc *d, const char *tag, struct source *from);
    /* Where the blob can be had by other stores of the same registry: "host/repository", or NULL. New string.
     * May be NULL. */
    char *(*origin)(struct store *s, const struct desc *d);
    /* Try to take the blob from `origin` ("host/repository") without moving its bytes; *done false when that
     * is not possible, which is no error. May be NULL. */
    struct err *(*mount)(struct store *s, const struct desc *d, const char *origin, bool *done);
    /* An error when it is known that the place takes no blob of this size. Asks nobody. May be NULL. */
    struct err *(*fits)(struct store *s, const struct desc *d);
    /* What messages call it: "localhost:5000/app", "oci:dir". Borrowed. */
    const char *(*name)(const struct store *s);
    void (*free)(struct store *s);
};
struct store {
    const struct store_ops *ops;
};

MUST_USE struct err *store_has(struct store *s, const struct desc *d, bool *yes);
MUST_USE struct err *store_get(struct store *s, const struct desc *d, struct source **out);
MUST_USE struct err *store_put(struct store *s, const struct desc *d, struct source *from);
MUST_USE struct err *store_resolve(struct store *s, const char *tag, struct desc *out, bool *found);
MUST_USE struct err *store_tag(struct store *s, const char *tag, const struct desc *d);
bool store_can_put_tagged(const struct store *s);
MUST_USE struct err *store_put_tagged(struct store *s, const struct desc *d, const char *tag,
                                      struct source *from);
char *store_origin(struct store *s, const struct desc *d);
MUST_USE struct err *store_mount(struct store *s, const struct desc *d, const char *origin, bool *done);
MUST_USE struct err *store_fits(struct store *s, const struct desc *d);
const char *store_name(const struct store *s);
void store_free(struct store *s);
AUTO_DEFINE(struct store *, store_free)

/* A whole small blob (manifest, config) in memory, verified; ERR_RESOURCE above the buffer's maximum. */
MUST_USE struct err *store_read(struct store *s, const struct desc *d, struct buf *out);
/* Put bytes: the descriptor is filled with the type, digest and size. */
MUST_USE struct err *store_write(struct store *s, const char *media_type, const void *data, size_t len,
                                 struct desc *out);

#endif
