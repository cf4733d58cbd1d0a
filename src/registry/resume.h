/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_RESUME_H
#define LADE_REGISTRY_RESUME_H

#include "base/attr.h"
#include "base/err.h"
#include "base/io.h"
#include "registry/pace.h"
#include "registry/retry.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * A blob on its way down, as a source that goes on where it broke: the rest is asked for anew, at whoever was
 * asked first (what that one redirects to, or signs, may hold for a short time only). Tries and time are
 * those of the policy, counted anew after each reopen and each megabyte. As long as it lives it has a place
 * among the blobs that are read (PACE_READ). It ends with ERR_NETWORK when there is less than `size`; neither
 * what is more nor the digest is checked: whoever opens it verifies (source_verify).
 *
 * Whoever makes one puts it first in a struct of its own, and fills the upper part.
 */
struct resume {
    struct source source; /* to read; reopens anywhere */
    /* Asks for the blob from `at` on, once. The body, new, begins at *begins, which is not after `at`: a
     * whole answer to a request for a range will do. *asked_ms: the pause that was asked for; is 0 before. */
    struct err *(*ask)(struct resume *r, struct source **body, uint64_t *begins, unsigned *asked_ms);
    void (*free)(struct resume *r);    /* the struct, too */
    const char *what;                  /* for messages; borrowed */
    const struct retry_policy *policy; /* borrowed */
    struct pace *pace;                 /* borrowed */
    uint64_t size;                     /* bytes that it must have */

    uint64_t at;         /* bytes given to the reader */
    uint64_t begun;      /* `at` when `body` was there */
    struct source *body; /* of a reply; NULL: the next read asks */
    struct retry retry;
    bool inside; /* it has its place */
};

/* Takes its place; nothing is asked for yet. Also after an error it is freed by source_free. */
MUST_USE struct err *resume_init(struct resume *r);
/* Asks once, now, so that absence is told before the first read. */
MUST_USE struct err *resume_ask(struct resume *r, unsigned *asked_ms);
/* The header that asks for the rest; NULL for the whole. New string. */
char *resume_range(const struct resume *r);

#endif
