/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_PUSH_HINT_H
#define LADE_PUSH_HINT_H

#include "image/store.h"

/*
 * A store that says of each of its blobs that it can also be had at `origin` ("host/repository"): what was
 * just pushed to one repository is mounted from there into the next. Everything else is `inner`'s. `inner` is
 * borrowed, `origin` is copied.
 */
struct store *hint_store(struct store *inner, const char *origin);

#endif
