/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_RETRY_H
#define LADE_REGISTRY_RETRY_H

#include "base/attr.h"
#include "base/err.h"
#include "image/event.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * When to try again, and how long to wait before. What is worth it is said by the error's kind: ERR_NETWORK
 * is (transport faults, 408, 425, 429, 499, 5xx), nothing else is.
 *
 *     struct retry r;
 *     retry_begin(&r, policy, "push sha256:…");
 *     do
 *         e = try_it(&asked_ms);
 *     while (retry_again(&r, &e, asked_ms));
 *     return e;
 */
struct retry_policy {
    unsigned tries;                 /* at least 1 */
    unsigned budget_ms;             /* from the first try to the last */
    const struct events *events;    /* notes about waits; may be NULL */
    atomic_uint_least64_t *retries; /* counts new tries; may be NULL */
};
struct retry {
    const struct retry_policy *policy;
    unsigned tried;
    uint64_t begin_ms;
};

#define RETRY_TRIES 5
#define RETRY_BUDGET_MS (5u * 60 * 1000)
#define RETRY_SESSIONS 4 /* of the upload of a blob */
#define RETRY_FIRST_MS 500
#define RETRY_MOST_MS 30000

bool retry_is_worth(const struct err *e);
/* Full jitter: somewhere in (0, min(30 s, 0.5 s · 2^tried)], by `random`. At least 1 ms. */
unsigned retry_backoff_ms(unsigned tried, uint64_t random);
/* Retry-After: seconds, or a date of HTTP. False when it is neither, or lies in the past. */
MUST_USE bool retry_after(const char *value, int64_t now_unix, unsigned *ms);

/* A date of HTTP. */
MUST_USE bool retry_date(const char *value, int64_t *unix_seconds);

void retry_begin(struct retry *r, const struct retry_policy *policy);
/* After a try: false when *e is NULL, not worth another, or tries or budget are used up (then *e says how
 * many there were). Else frees *e, waits (`asked_ms` when the server named a time, at least the back-off),
 * and returns true. */
MUST_USE bool retry_again(struct retry *r, struct err **e, unsigned asked_ms);

#endif
