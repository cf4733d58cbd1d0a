/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_CLI_INVENTORY_H
#define LADE_CLI_INVENTORY_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/retention.h"
#include "image/ref.h"
#include "registry/registry.h"

#include <stdbool.h>

/*
 * What stands in a repository of a registry under its tags, each image once, with what it needs. All or
 * nothing: an index that cannot be read is an error, because what it needs is not known.
 */
struct inventory_wish {
    bool subjects;              /* read all manifests, not indexes only */
    const struct strlist *ages; /* patterns: find out when images with such a tag were made; NULL: of none */
};

/* Sets tags, desc, needs and the age of each image. */
MUST_USE struct err *inventory_read(struct images *out, struct registry *r, const struct ref *repository,
                                    const struct inventory_wish *wish);

#endif
