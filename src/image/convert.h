/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_IMAGE_CONVERT_H
#define LADE_IMAGE_CONVERT_H

#include "base/attr.h"
#include "base/err.h"
#include "image/desc.h"
#include "image/event.h"
#include "image/store.h"

/*
 * An image in the media types of the other family, for registries and tools that take one only. Bytes of
 * configs and layers stay; manifests and indexes that are of the other family are written anew, so their
 * digests change. What already is of the family keeps its bytes.
 */
enum convert_to { CONVERT_OCI, CONVERT_DOCKER };

/* *root is what `root` became. *out gives its manifests and, for all else, what `from` gives; `from` is
 * borrowed. ERR_UNSUPPORTED naming what Docker's types have no name for (layers with zstd, artifacts);
 * attestations, annotations and subjects, which Docker's documents do not know, are left out, attestations
 * with a warning to `events` (may be NULL). */
MUST_USE struct err *convert_image(struct store **out, struct store *from, const struct desc *root,
                                   enum convert_to to, const struct events *events, struct desc *converted);

#endif
