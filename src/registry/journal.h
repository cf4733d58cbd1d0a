/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_JOURNAL_H
#define LADE_REGISTRY_JOURNAL_H

#include "base/attr.h"
#include "base/digest.h"
#include "registry/url.h"

#include <stdbool.h>

/*
 * Where an upload that is under way can be gone on with, should this process die: a small file for each
 * (registry, repository, digest) in "uploads" below the cache, only for its owner, locked while its upload
 * runs. It holds the URL of the upload session and the time, and no credentials. Whatever cannot be read or
 * written is as if it were not there: it costs time only.
 */
#define JOURNAL_FOLDER "uploads" /* in the cache */

struct journal;

/* NULL when there is no cache, or another process is uploading the same. */
struct journal *journal_open(const char *cache_dir, const char *registry, const char *repository,
                             const struct digest *digest);
/* The session that an earlier process has left. False: none. */
MUST_USE bool journal_read(struct journal *j, struct url *session);
/* From here on it goes on there; NULL: nowhere. `j` may be NULL, here and below. */
void journal_write(struct journal *j, const struct url *session);
/* Give it up. The file stays when it has a session, and goes otherwise. */
void journal_close(struct journal *j);
AUTO_DEFINE(struct journal *, journal_close)

/* Remove what is older than a week. */
void journal_sweep(const char *cache_dir);

#endif
