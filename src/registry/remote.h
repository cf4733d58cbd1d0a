/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_REMOTE_H
#define LADE_REGISTRY_REMOTE_H

#include "image/store.h"
#include "registry/host.h"

#include <stdbool.h>

/* A repository as a store (image/store.h): manifests go by /manifests/, the rest by /blobs/. A tag is a PUT
 * of the same bytes, which are remembered from the last few puts. `host` is borrowed. */
struct store *remote_new(struct host *host, const char *repository, bool push);

#endif
