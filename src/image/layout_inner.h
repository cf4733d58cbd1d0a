/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_IMAGE_LAYOUT_INNER_H
#define LADE_IMAGE_LAYOUT_INNER_H

#include "base/attr.h"
#include "base/err.h"
#include "base/json.h"
#include "base/lock.h"
#include "image/layout.h"

#include <stdbool.h>

/* What the layout*.c files share; nobody else includes this. */

#define LAYOUT_INDEX_MAX ((size_t)16 << 20)
#define LAYOUT_REF_NAME "org.opencontainers.image.ref.name"

struct layout {
    struct store store;
    char *name; /* for messages */
    int dirfd;  /* carries the shared or exclusive lock */
    enum layout_mode mode;
    struct lock *changing; /* index.json */
};

/* The layout that a store is; asserted. */
struct layout *layout_of(struct store *s);

#define LAYOUT_PATH (16 + DIGEST_TEXT)
/* "blobs/sha256/ab12…" */
const char *layout_blob_path(const struct digest *d, char path[LAYOUT_PATH]);
/* "lade/origin/sha256/ab12…" */
const char *layout_origin_path(const struct digest *d, char path[2 * LAYOUT_PATH]);

/* index.json as it is, an object with an array "manifests". */
MUST_USE struct err *layout_index_read(struct layout *l, json_t **out);
/* Write an empty index.json where there is none. */
MUST_USE struct err *layout_index_init(struct layout *l);
/* The name of an entry or NULL. Borrowed. */
const char *layout_index_name(const json_t *entry);
/* An entry's descriptor, without the annotations that name it. */
MUST_USE struct err *layout_index_desc(struct layout *l, const json_t *entry, struct desc *out);

/* The operations of a store that stand in other files than its own. */
MUST_USE struct err *layout_blob_put(struct store *s, const struct desc *d, struct source *from);
MUST_USE struct err *layout_index_resolve(struct store *s, const char *tag, struct desc *out, bool *found);
MUST_USE struct err *layout_index_tag(struct store *s, const char *tag, const struct desc *d);

#endif
