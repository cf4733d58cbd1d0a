/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_FALLBACK_H
#define LADE_REGISTRY_FALLBACK_H

#include "base/attr.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/json.h"
#include "image/desc.h"
#include "image/manifest.h"
#include "registry/blob.h"

#include <stdbool.h>

/*
 * Which manifests refer to another, where the registry does not know: an index under the tag
 * "sha256-<hex>" that clients keep (distribution-spec v1.1 "Referrers Tag Schema"). It is changed without a
 * lock, so whoever changes it looks afterwards whether all is in it, and does it again.
 */
#define FALLBACK_TAG 128
#define FALLBACK_ROUNDS 5
#define FALLBACK_ENTRIES_MAX 10000

const char *fallback_tag(const struct digest *subject, char text[FALLBACK_TAG]);
/* Is it such a tag, or one that cosign makes of it ("sha256-<hex>.sig")? Then *subject is what it is about.
 */
bool fallback_is_tag(const char *tag, struct digest *subject);
/* The descriptors in the index. Empty when there is none. ERR_INPUT when the tag names something else. */
MUST_USE struct err *fallback_read(const struct repo *r, const struct digest *subject, struct desclist *out);
/* What the index says of a manifest: its type, digest, size, kind of artifact and annotations. */
void fallback_describe(struct desc *out, const struct desc *d, const struct manifest *m);
/* `d` refers to `subject` from now on, or no longer. ERR_CONFLICT when others change the index all the time.
 */
MUST_USE struct err *fallback_add(const struct repo *r, const struct digest *subject, const struct desc *d);
MUST_USE struct err *fallback_remove(const struct repo *r, const struct digest *subject,
                                     const struct digest *d);

/* The parts, pure. `index` is a JSON index. */
MUST_USE struct err *fallback_parse(json_t **index, const char *data, size_t len, const char *what);
/* Descriptors of the index that can be read; what cannot is counted. */
size_t fallback_list(const json_t *index, struct desclist *out);
bool fallback_has(const json_t *index, const char *digest);
/* Those of `from` that `to` lacks are added; true when there were any. */
bool fallback_merge(json_t *to, const json_t *from);
bool fallback_drop(json_t *index, const char *digest);

#endif
