/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_TARPAX_H
#define LADE_LAYERS_TARPAX_H

#include "base/attr.h"
#include "base/err.h"
#include "layers/tarlimits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The records of a pax extended header (POSIX.1-2017 pax, "pax Extended Header"), looked at before anything
 * else reads them: each must be whole and mean the same to every reader. What decides how the archive goes on
 * is kept.
 */
struct tarpax {
    bool path, linkpath, size; /* there is such a record */
    bool sparse_data;          /* a GNU sparse map of version 1.0 stands before the file's data */
    uint64_t size_value;
};

/* ERR_INPUT for records that are cut, have no key, a NUL in a name, a number that is none, or that repeat a
 * key that matters; also for names and sizes in a global header, which readers do not agree on. ERR_RESOURCE
 * above a limit. */
MUST_USE struct err *tarpax_check(struct tarpax *out, const char *data, size_t len, bool global,
                                  const struct tarlimits *limits);

#endif
