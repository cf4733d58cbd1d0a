/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_MIRROR_H
#define LADE_REGISTRY_MIRROR_H

#include "base/attr.h"
#include "image/event.h"
#include "image/store.h"
#include "registry/host.h"

#include <stdbool.h>

/*
 * A repository to read from, of which there are copies: each question goes to the mirrors in their order, and
 * then to the repository itself. A mirror that fails, or whose bytes are wrong, is given up for the rest of
 * the run; one that only lacks something is not. Nothing is ever taken from a mirror that the digest does not
 * prove, but what a tag names is believed. Writing is refused: that is for the repository itself.
 *
 * A blob whose bytes turn out to be wrong after some were given out ends with ERR_INTEGRITY; to read it once
 * more from the beginning then leads to the next place.
 */
struct store *mirror_new(struct store *origin_take, const struct events *events);
/* `host` is borrowed, and made with a `ns`. */
void mirror_add(struct store *mirrored, struct host *host, const char *repository, bool digest_only);

#endif
