/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_IMAGE_DESC_H
#define LADE_IMAGE_DESC_H

#include "base/attr.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "image/platform.h"

#include <stdbool.h>
#include <stdint.h>

/* A descriptor (OCI image-spec v1.1, descriptor.md): what a blob is, how large, which digest. A zeroed struct
 * is empty. */
struct desc {
    char *media_type;
    struct digest digest;
    uint64_t size; /* bytes */
    struct platform platform;
    struct strmap annotations;
    struct strlist urls;
    char *artifact_type; /* or NULL */
};

#define DESC_SIZE_MAX (UINT64_C(1) << 50)

/* ERR_INPUT naming `what` and the key. */
MUST_USE struct err *desc_from_json(struct desc *out, const json_t *object, const char *what);
json_t *desc_to_json(const struct desc *d);
/* mediaType, digest, size. */
void desc_set(struct desc *d, const char *media_type, const struct digest *digest, uint64_t size);
void desc_copy(struct desc *to, const struct desc *from); /* `to` is wiped first */
void desc_wipe(struct desc *d);

struct desclist {
    struct desc *item;
    size_t count;
    size_t room;
};
/* An empty descriptor at the end, borrowed until the next one is added. */
struct desc *desclist_add(struct desclist *list);
void desclist_copy(struct desclist *to, const struct desclist *from);
void desclist_wipe(struct desclist *list);

#endif
