/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_QUIRKS_H
#define LADE_REGISTRY_QUIRKS_H

#include "base/attr.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * What is known of a registry by the name of its host, because it cannot be asked or would cost an upload to
 * find out. All else is learned from its answers (registry/lessons.h). Pure.
 */
struct quirks {
    const char *name;      /* for messages: "GitHub"; NULL for a registry that nothing is known of */
    uint64_t chunk;        /* bytes of one piece of an upload in pieces; 0: UPLOAD_CHUNK */
    uint64_t chunk_min;    /* of all but the last piece */
    bool never_chunks;     /* takes whole blobs only */
    bool range_sticks;     /* its Range does not grow with what it has stored */
    bool last_in_put;      /* the last piece goes with the request that ends the upload */
    bool repository_first; /* a repository must be made before something is pushed to it */
    uint64_t layer_max;    /* bytes of a blob; 0: not known */
};

/* By host name as it stands in references, with or without a port. Never NULL. */
const struct quirks *quirks_of(const char *host);

/* ERR_RESOURCE, with a hint, when the registry takes no blob of this size. */
MUST_USE struct err *quirks_check_size(const struct quirks *q, const char *what, uint64_t size);

#endif
