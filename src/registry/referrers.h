/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_REFERRERS_H
#define LADE_REGISTRY_REFERRERS_H

#include "base/attr.h"
#include "base/digest.h"
#include "base/err.h"
#include "image/desc.h"
#include "registry/blob.h"

#include <stdbool.h>

/*
 * The manifests that refer to another by their subject: signatures, bills of materials and the like
 * (distribution-spec v1.1 "Listing Referrers"). Of the registry where it knows, else of the fallback tag
 * (registry/fallback.h).
 */

/* `artifact_type` NULL: of every kind. A subject that is not there has none. */
MUST_USE struct err *referrers_list(const struct repo *r, const struct digest *subject,
                                    const char *artifact_type, struct desclist *out);
/* Delete a manifest (manifests_delete), and forget what it refers to where that stands in a fallback tag. */
MUST_USE struct err *referrers_delete(const struct repo *r, const struct desc *d);

#endif
