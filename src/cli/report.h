/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_CLI_REPORT_H
#define LADE_CLI_REPORT_H

#include "base/attr.h"
#include "base/err.h"
#include "cli/session.h"
#include "push/push.h"

/*
 * --metadata-file: what was published, as JSON, for programs. Keys that buildx has too are written as it
 * writes them; "lade.published" has an entry for each reference (lade-push(1), METADATA).
 */

/* A file of an earlier run must not be taken for this one's: it is removed before the work, when it is a
 * regular file. ERR_… when it could not be written later. `path` may be NULL. */
MUST_USE struct err *report_forget(const char *option, const char *path);
/* From now on the session keeps what is published, when `path` is not NULL. */
void report_begin(struct session *s, const char *path);
/* One reference that was published; nothing happens when nobody asks. */
void report_add(struct session *s, const struct push_target *target);
/* The published references and the requests that it took, put into `object`. */
void report_put(const struct session *s, json_t *object);
/* Write it, with buildx's keys for the image when all references are the same. `path` may be NULL. */
MUST_USE struct err *report_write(const struct session *s, const char *path);

#endif
