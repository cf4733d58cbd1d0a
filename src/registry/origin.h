/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_ORIGIN_H
#define LADE_REGISTRY_ORIGIN_H

#include "base/attr.h"
#include "image/store.h"
#include "registry/registry.h"

/*
 * A layout whose absent blobs are read from where they came from (image/layout.h, "origin"), as one store.
 * `has` is true for what is there; `get` of an absent blob streams it from its origin, verified, and keeps
 * nothing; ERR_NOT_FOUND names the origin when it is gone there. put, tag and resolve are the layout's. With
 * `keep`, what `get` fetches is stored in the layout too. `layout` and `r` are borrowed and must outlive the
 * result.
 */
struct store *origin_store(struct store *layout, struct registry *r, bool keep);

#endif
