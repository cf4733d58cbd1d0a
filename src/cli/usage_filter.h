/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_CLI_USAGE_FILTER_H
#define LADE_CLI_USAGE_FILTER_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "builder/usage.h"

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * --filter of lade du and lade prune, with the keys and operators of docker buildx: until=24h, type=regular,
 * id=TEXT, description~=PATTERN, inuse, shared, private, mutable, immutable; "=", "!=", and "~=" for a POSIX
 * extended regular expression. An entry must match all. `type` takes BuildKit's words and the names of our
 * kinds.
 */
struct usage_filter {
    const char *key; /* of a table of constants */
    enum { FILTER_EQUAL, FILTER_NOT, FILTER_LIKE } op;
    char *value;
    regex_t pattern;
    int64_t before; /* until: seconds since 1970 */
};
struct usage_filters {
    struct usage_filter *item;
    size_t count, room;
};
/* `texts` are the options. ERR_USAGE. */
MUST_USE struct err *usage_filters_parse(struct usage_filters *out, const struct strlist *texts);
void usage_filters_wipe(struct usage_filters *f);
bool usage_filters_match(const struct usage_filters *f, const struct usage_entry *e);
/* Does a filter name this kind by its type, so that it is meant even where others are not? */
bool usage_filters_name(const struct usage_filters *f, enum usage_kind kind);

#endif
