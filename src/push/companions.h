/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_PUSH_COMPANIONS_H
#define LADE_PUSH_COMPANIONS_H

#include "base/attr.h"
#include "base/err.h"
#include "image/desc.h"
#include "image/store.h"
#include "push/push.h"
#include "registry/blob.h"

#include <stddef.h>

/*
 * What a registry has that refers to an image or to a part of it: by subject (registry/referrers.h), and by
 * the tags that cosign gives, sha256-HEX.sig, .att and .sbom. Also what refers to those in turn.
 */
#define COMPANIONS_MAX 10000

struct companions {
    struct push_companion *item;
    size_t count, room;
};

/* `from` is the store of the repository `r`, which has `root`. Each once, in no order that counts.
 * ERR_RESOURCE above COMPANIONS_MAX. */
MUST_USE struct err *companions_find(struct companions *out, const struct repo *r, struct store *from,
                                     const struct desc *root);
void companions_wipe(struct companions *c);

#endif
