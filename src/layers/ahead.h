/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_AHEAD_H
#define LADE_LAYERS_AHEAD_H

#include "base/attr.h"
#include "base/io.h"

/*
 * A source that is read ahead on a thread of its own, so that decompression and what is done with its bytes
 * take two processors. The same bytes, the same error at the same place. The thread is there from ahead_new
 * on, and idle until ahead_source: a process can confine itself in between.
 */
struct ahead;
/* With one processor there is no thread, and ahead_source gives `inner` back. */
struct ahead *ahead_new(void);
/* Once; the source must not outlive `a`. */
struct source *ahead_source(struct ahead *a, struct source *inner_take);
/* Waits for what is being read at the moment. */
void ahead_free(struct ahead *a);
AUTO_DEFINE(struct ahead *, ahead_free)

#endif
