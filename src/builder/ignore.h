/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_IGNORE_H
#define LADE_BUILDER_IGNORE_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Pattern lists as .dockerignore has them: paths matched by patterns with "*", "?", "[a-z]", "**" and "\",
 * where a later "!pattern" takes back what an earlier one matched, and a pattern that matches a directory
 * matches all below it. The answers are those of the matcher that BuildKit uses when it walks a context from
 * its root; also for the
 * --exclude and --parents patterns of COPY. The time for a name is at most its length times that of the
 * patterns.
 */
struct ignore;

#define IGNORE_MAX_BYTES (1u << 20) /* of the file */
#define IGNORE_MAX_LINE (64u << 10)
#define IGNORE_MAX_PATTERNS 10000u

/* Parse the text of an ignore file. `name` is for messages: "app/.dockerignore". ERR_INPUT with name, line
 * and the line's text for a pattern that is not valid; ERR_RESOURCE over a limit. */
MUST_USE struct err *ignore_parse(struct ignore **out, const char *text, size_t len, const char *name);
/* The same for patterns that stand in an instruction; `what` ("--exclude") is for messages. */
MUST_USE struct err *ignore_from_list(struct ignore **out, const struct strlist *patterns, const char *what);
void ignore_free(struct ignore *i);
AUTO_DEFINE(struct ignore *, ignore_free)

size_t ignore_count(const struct ignore *i);
bool ignore_has_exceptions(const struct ignore *i);

/* Is this path (relative, clean, no leading slash), or a directory above it, matched and not taken back? NULL
 * matches nothing. */
bool ignore_matches(const struct ignore *i, const char *path);
/* The same answer for a walk from the root, where the result of the parent directory is known: the state of a
 * path is made from its parent's (NULL for the children of the root). Goes to *state, when that is not NULL;
 * free with mem_free. */
struct ignore_state;
bool ignore_matches_below(const struct ignore *i, const char *path, const struct ignore_state *parent,
                          struct ignore_state **state);
/* For lists that select: could something below `path`, which is not matched itself, be matched? */
bool ignore_may_match_below(const struct ignore *i, const char *path);
/* Could something below the matched directory `path` be taken back by an exception? */
bool ignore_may_reenter(const struct ignore *i, const char *path);

/* As the `skip` of struct tree_dir_options, with a struct ignore as its context. Remembers the directory of
 * the last call, so one thread at a time. */
bool ignore_skip(void *ctx, const char *path, bool is_dir, bool *enter);

/* The text of the pattern that decided that `path` is left out, and its line in the file (0: from a list);
 * NULL when it is not left out. Borrowed. For hints. */
const char *ignore_reason(const struct ignore *i, const char *path, size_t *line);
/* What ignore_parse was told. */
const char *ignore_name(const struct ignore *i);

#endif
