/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_PUSH_CONFIRM_H
#define LADE_PUSH_CONFIRM_H

#include "base/attr.h"
#include "base/err.h"
#include "image/desc.h"
#include "image/event.h"
#include "image/store.h"

/*
 * Look whether a tag that was just set names what it should: there are servers that say yes to everything,
 * proxies that write manifests anew, and registries that need a moment. ERR_INTEGRITY when what was pushed is
 * not there; a warning when it is, but somebody else has moved the tag since. A registry that lets nobody
 * look (ERR_DENIED) is believed.
 */
MUST_USE struct err *confirm_tag(struct store *in, const char *tag, const struct desc *pushed,
                                 const struct events *events);

#endif
