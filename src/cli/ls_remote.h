/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_CLI_LS_REMOTE_H
#define LADE_CLI_LS_REMOTE_H

#include "base/attr.h"
#include "base/err.h"
#include "cli/session.h"

#include <stdbool.h>

/* How `lade ls` shows what there is. */
struct ls_form {
    bool names;   /* nothing but names */
    bool digests; /* in full; of tags in a registry, which are asked for one by one, only then */
    bool json;
};

/* The tags of docker://REPOSITORY, or the repositories of docker://REGISTRY, to standard output. */
MUST_USE struct err *ls_remote(struct session *s, const char *text, const struct ls_form *form);

#endif
