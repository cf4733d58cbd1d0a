/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_NOTICES_H
#define LADE_REGISTRY_NOTICES_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "image/event.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * What a registry says beside its answers: warnings for the user (the Warning header with code 299,
 * distribution-spec v1.1 "Warnings"), and how many pulls are left (Docker Hub's ratelimit headers). Each is
 * shown once.
 */
struct notices {
    struct strlist said;
    bool quota_told;
};
#define NOTICES_MAX 10 /* different warnings of one registry */

/* Tell what is new in the headers of a reply. Not thread safe. */
void notices_take(struct notices *n, const struct events *to, const char *host, const struct strmap *headers);
void notices_wipe(struct notices *n);

/* The text of a Warning header of the form: 299 - "text". NULL: another one. New string, escaped. */
char *notices_text(const char *value);

/* "ratelimit-limit: 100;w=21600", "ratelimit-remaining: 3;w=21600". False when there are none. */
struct notices_quota {
    uint64_t limit, left;
    uint64_t window_s; /* 0: not said */
};
MUST_USE bool notices_quota(struct notices_quota *out, const struct strmap *headers);

/* Is this 429 the end of a quota of pulls, which lasts for hours, and not only haste? */
bool notices_is_quota(const struct strmap *headers, const struct buf *body);
/* What the user can do about it. */
MUST_USE struct err *notices_quota_hint(struct err *cause, const char *host, const struct strmap *headers);

#endif
