/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_KEYED_H
#define LADE_REGISTRY_KEYED_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "image/desc.h"
#include "image/store.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * A store (image/store.h) on top of a service that knows nothing of images and keeps bytes by key: blobs by
 * digest, and a manifest by name. What is tagged goes up under its name at once; blobs are verified here.
 */
struct keyed_place; /* the service's own; begins with its operations */
struct keyed_ops {
    /* As those of stores. `get` need not verify. */
    struct err *(*has)(struct keyed_place *p, const struct desc *d, bool *yes);
    struct err *(*get)(struct keyed_place *p, const struct desc *d, struct source **out);
    struct err *(*put)(struct keyed_place *p, const struct desc *d, struct source *from);
    /* The bytes that were last written under a name; *found false: none. */
    struct err *(*read)(struct keyed_place *p, const char *name, struct buf *out, bool *found);
    struct err *(*write)(struct keyed_place *p, const char *name, const struct digest *digest,
                         const void *data, size_t len);
    void (*free)(struct keyed_place *p);
};
struct keyed_place {
    const struct keyed_ops *ops;
};

/* `shown` is what messages call it; copied. */
struct store *keyed_store(struct keyed_place *place_take, const char *shown);

#endif
