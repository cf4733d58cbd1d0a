/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_NAMES_H
#define LADE_REGISTRY_NAMES_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "registry/blob.h"
#include "registry/host.h"

/*
 * What a registry has, by name: the tags of a repository (distribution-spec v1.1 "Listing tags"), and the
 * repositories of a registry (/v2/_catalog of the distribution project, which many do not have). Sorted by
 * bytes, each once. A name that nobody could ask for is left out with a warning.
 */
#define NAMES_PAGE_MAX (UINT64_C(16) << 20) /* some registries do not know of pages */
#define NAMES_PAGE_ITEMS 1000               /* more is refused by some */

/* ERR_NOT_FOUND when there is no such repository. */
MUST_USE struct err *names_tags(const struct repo *r, struct strlist *out);
/* ERR_UNSUPPORTED when the registry does not tell. */
MUST_USE struct err *names_repositories(struct host *h, struct strlist *out);

#endif
