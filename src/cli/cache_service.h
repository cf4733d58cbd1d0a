/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_CLI_CACHE_SERVICE_H
#define LADE_CLI_CACHE_SERVICE_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/cache_request.h"
#include "cli/session.h"
#include "image/store.h"

/*
 * Caches in services that are no registries: type=s3 and type=gha, with BuildKit's keys. What is secret is
 * not taken from the command line, which everybody on the machine can read.
 */

/* The keys that only these types have. ERR_USAGE. */
MUST_USE struct err *cache_service_check(const struct cache_place *p, const char *option);
/* For messages: "s3://bucket/prefix". New string. */
char *cache_service_shown(const struct cache_place *p);
/* What the cache is called there, at least one name. */
void cache_service_names(const struct cache_place *p, struct strlist *out);
/* How many blobs at once. */
unsigned cache_service_jobs(const struct cache_place *p, unsigned jobs);
/* Makes no request. */
MUST_USE struct err *cache_service_open(struct store **out, struct session *s, const struct cache_place *p);

#endif
