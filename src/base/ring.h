/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BASE_RING_H
#define LADE_BASE_RING_H

#include "base/attr.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Work in parallel whose results are taken in order, with bounded memory: the caller owns an array of `slots`
 * items; the ring says which one is free next, and runs two functions on each that is submitted. `work` runs
 * on any thread, on several slots at once. `turn` runs on one slot at a time, in the order of submission, on
 * whichever thread comes to it.
 *
 * Errors count in the order of submission, so the one that is reported does not depend on the number of
 * threads. After the first, slots that come later are neither worked on nor get their turn.
 */
struct ring_ops {
    struct err *(*work)(void *ctx, size_t slot);
    struct err *(*turn)(void *ctx, size_t slot);
};
struct ring;
/* `threads` 1: everything runs in ring_submit. */
struct ring *ring_new(unsigned threads, size_t slots, const struct ring_ops *ops, void *ctx);
/* Wait for the next slot to be free; it is the caller's until it is submitted. False after an error, which
 * ring_wait gives. */
MUST_USE bool ring_next(struct ring *r, size_t *slot);
/* Hand the slot in that ring_next gave last. `last`: nothing more will be; if it is also the first, it is not
 * worth a thread. */
void ring_submit(struct ring *r, bool last);
/* Wait for all that were submitted; the first error in their order. */
MUST_USE struct err *ring_wait(struct ring *r);
void ring_free(struct ring *r); /* waits; errors are dropped */
AUTO_DEFINE(struct ring *, ring_free)

#endif
