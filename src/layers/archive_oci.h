/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_ARCHIVE_OCI_H
#define LADE_LAYERS_ARCHIVE_OCI_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "image/desc.h"
#include "image/store.h"

#include <stdbool.h>
#include <stddef.h>

/* The images that an archive's index.json names, once its blobs are in the layout: each graph must be whole,
 * but for the images of an index that were left out (docker save writes those of one platform). ERR_INPUT for
 * what is missing. */
MUST_USE struct err *archive_oci_import(struct store *layout, const char *index, size_t len,
                                        struct strlist *names);

/* Tag `root` in the layout and list the name; NULL: its digest. With `reference` also in its short and full
 * form. */
MUST_USE struct err *archive_oci_name(struct store *layout, const struct desc *root, const char *name,
                                      bool reference, struct strlist *names);

#endif
