/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_CLI_RM_REMOTE_H
#define LADE_CLI_RM_REMOTE_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/session.h"

#include <stdbool.h>

/*
 * `lade rm` in registries. They delete a manifest by its digest, and with it all its tags; so a tag that is
 * not the only one, or that names a part of another tag's index, is refused with ERR_CONFLICT unless `force`.
 * A digest without a tag is taken at its word.
 */
struct rm_wish {
    bool force, dry_run;
};
MUST_USE struct err *rm_remote(struct session *s, const struct strlist *places, const struct rm_wish *wish);

/* `lade rm --keep`: see cli/retention.h. Prints what goes and what stays. */
struct rm_rule {
    struct strlist match;
    const char *keep; /* a number; NULL: 0 */
    const char *older_than;
    const char *by; /* "created", "version"; NULL: created */
    bool dry_run;
};
MUST_USE struct err *rm_retain(struct session *s, const struct strlist *places, const struct rm_rule *rule);

#endif
