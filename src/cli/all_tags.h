/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_CLI_ALL_TAGS_H
#define LADE_CLI_ALL_TAGS_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/place.h"
#include "cli/session.h"

/* --all-tags: a repository as a whole, in the local store, in a registry, or a layout in a directory. */

/* A place that is a repository: without a tag, digest or name. ERR_USAGE when it has one; ERR_UNSUPPORTED for
 * archives. */
MUST_USE struct err *all_tags_parse(struct place *out, const char *text);
/* The image of that tag there. */
void all_tags_at(struct place *out, const struct place *repository, const char *tag);
/* All tags in it. ERR_NOT_FOUND when there is none. */
MUST_USE struct err *all_tags_list(struct strlist *tags, struct session *s, const struct place *repository);
/* All names that the local store has of each of `repositories`. */
MUST_USE struct err *all_tags_of_names(struct strlist *names, struct session *s,
                                       const struct strlist *repositories);

#endif
