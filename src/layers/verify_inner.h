/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_VERIFY_INNER_H
#define LADE_LAYERS_VERIFY_INNER_H

#include "base/attr.h"
#include "image/digestset.h"
#include "layers/verify.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the verify*.c files share; nobody else includes this. */

/* What is known of a blob, by its number in the set. */
struct verify_seen {
    uint64_t size;
    bool sound;     /* it and all below it */
    bool bad_bytes; /* they have not its digest or size */
    bool mends;     /* the image is sound once the bad bytes are gone: they can be had again */
    bool has_diff_id;
    struct digest diff_id;
};

struct verify {
    struct store *store, *elsewhere;
    const struct verify_options *options;
    struct digestset set;
    struct verify_seen *seen;
    size_t count, room;
    struct store *layout;      /* that is verified as a whole, or NULL */
    struct layout_list images; /* of it */
    struct verify_counts counts;
};

/* What a check comes to. */
struct verify_state {
    bool sound, mends; /* mends: sound, or sound after a repair */
};

void verify_say(struct verify *v, enum verify_finding what, const char *format, ...) PRINTF(3, 4);
/* A blob that has no blobs below it; `diff_id` NULL: only its own bytes. */
MUST_USE struct err *verify_blob(struct verify *v, const struct desc *d, const struct digest *diff_id,
                                 const char *where, struct verify_state *out);

#endif
