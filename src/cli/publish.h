/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_CLI_PUBLISH_H
#define LADE_CLI_PUBLISH_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/session.h"
#include "image/event.h"
#include "image/ref.h"
#include "push/push.h"

/*
 * A push to references, which may begin before the image is finished: give `events` to the build, and each
 * blob that is ready goes ahead. Everything is told to the session's progress.
 */
struct publish {
    struct events events;
    const struct push_companion *companions; /* set before publish_begin; borrowed */
    size_t companion_count;
    struct session *session;
    struct push_target *target;
    size_t count;
    struct push *push;
};

/* `from` and the session are borrowed. The struct must not move until publish_wipe. */
MUST_USE struct err *publish_begin(struct publish *p, struct session *s, struct store *from,
                                   const struct ref *refs, size_t count);
/* `results` receives a line for each reference: "localhost:5000/app:1@sha256:…". ERR_USAGE when a reference
 * has another digest. */
MUST_USE struct err *publish_finish(struct publish *p, const struct desc *root, struct strlist *results);
void publish_wipe(struct publish *p);

/* ERR_USAGE when the reference has a digest and the image another. */
MUST_USE struct err *publish_check_digest(const struct ref *ref, const struct desc *root);
/* One reference and what it names now, as a line of `results`. */
void publish_result(struct strlist *results, const struct ref *ref, const struct desc *root);

#endif
