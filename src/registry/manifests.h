/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_MANIFESTS_H
#define LADE_REGISTRY_MANIFESTS_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "image/desc.h"
#include "registry/blob.h"

#include <stdbool.h>

/* Manifests and indexes of one repository (distribution-spec v1.1). They are bytes here; at most
 * MANIFEST_SIZE_MAX of them. */

/* What a tag or a digest names, by HEAD; by GET where the registry does not tell all in HEAD. */
MUST_USE struct err *manifests_resolve(const struct repo *r, const char *reference, struct desc *out,
                                       bool *found);
/* The bytes of a known one, size and digest checked. ERR_NOT_FOUND, ERR_INTEGRITY. */
MUST_USE struct err *manifests_get(const struct repo *r, const struct desc *d, struct buf *out);
/* The bytes of what a tag names now, whatever they are, in one request. Not looked at here. */
MUST_USE struct err *manifests_fetch(const struct repo *r, const char *tag, struct buf *out, bool *found);
/* Store under its digest (`tag` NULL) or under a tag. What the registry says that it stored must be the same.
 * An immutable tag that names it already is success; another is ERR_CONFLICT. Where the registry does not
 * keep what refers to what, a manifest with a subject is noted as registry/fallback.h says. */
MUST_USE struct err *manifests_put(const struct repo *r, const struct desc *d, const char *tag,
                                   const void *data, size_t len);
/* Take it away, and all tags that name it. One that is not there is success. ERR_UNSUPPORTED when the
 * registry does not let anybody. */
MUST_USE struct err *manifests_delete(const struct repo *r, const struct digest *digest);

#endif
