/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_ENTRIES_TAR_H
#define LADE_LAYERS_ENTRIES_TAR_H

#include "base/attr.h"
#include "base/err.h"
#include "base/io.h"
#include "layers/entries.h"
#include "layers/tarlimits.h"

/* The entries of plain tar bytes, read in this process: layers/tarstrict.h, then layers/untar.h. For the
 * process that reads tars of others, and for tests. `from` is borrowed. */
MUST_USE struct err *entries_tar(struct entries **out, struct source *from, const struct tarlimits *limits);

#endif
