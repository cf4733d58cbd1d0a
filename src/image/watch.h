/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_IMAGE_WATCH_H
#define LADE_IMAGE_WATCH_H

#include "base/io.h"
#include "image/desc.h"
#include "image/event.h"

#include <stdatomic.h>

/*
 * A source that tells `events` (may be NULL) how much of the blob has moved, and ends early with ERR_STOPPED
 * when `stopping` is true, because another blob has failed, or `cancel` (may be NULL), because nobody waits
 * for it. `inner` is taken over, the rest is borrowed.
 */
struct source *watch_source(struct source *inner_take, const struct desc *d, const struct events *events,
                            const atomic_bool *stopping, const atomic_bool *cancel);

#endif
