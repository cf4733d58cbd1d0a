/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_PACE_H
#define LADE_REGISTRY_PACE_H

#include "base/attr.h"
#include "base/err.h"

/*
 * How fast one host is asked: requests per second, blobs at once, and the pause after it has said that it is
 * too much. Used from any thread. All waits end with ERR_STOPPED.
 *
 * Reads and writes are counted apart, because a copy within one host writes what it reads: with one bound,
 * all could hold a read and wait for a write. The bounds are a courtesy: who has waited PACE_PATIENCE_MS goes
 * on, whatever the reason may be that nobody gave a place up.
 */
struct pace;
enum pace_kind { PACE_READ, PACE_WRITE };

#define PACE_READS 8 /* blobs at once, when nobody says otherwise */
#define PACE_WRITES 4
#define PACE_PATIENCE_MS 60000

/* `rate`: requests per second; 0: no bound. */
struct pace *pace_new(double rate, unsigned reads, unsigned writes);
void pace_free(struct pace *p);
AUTO_DEFINE(struct pace *, pace_free)

/* Nobody asks for so long. A longer pause that is on stays. */
void pace_pause(struct pace *p, unsigned ms);
/* Wait until no pause is on and the next request has its turn. Before each request. */
MUST_USE struct err *pace_wait(struct pace *p);

/* Wait for a place; each is left once. */
MUST_USE struct err *pace_enter(struct pace *p, enum pace_kind kind);
void pace_leave(struct pace *p, enum pace_kind kind);

#endif
