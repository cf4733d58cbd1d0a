/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_CLI_DESCRIBE_H
#define LADE_CLI_DESCRIBE_H

#include "base/attr.h"
#include "base/err.h"
#include "image/desc.h"
#include "image/store.h"

#include <stdio.h>

/* An image or an index in words, for `lade inspect`: what runs, on what, of which layers. All text of the
 * image is escaped. `shown` is what the user called it. */
MUST_USE struct err *describe_image(FILE *to, struct store *from, const struct desc *root, const char *shown);

#endif
