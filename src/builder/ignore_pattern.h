/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_IGNORE_PATTERN_H
#define LADE_BUILDER_IGNORE_PATTERN_H

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * One pattern of an ignore file, which is already clean ("a//b/" is "a/b") and has no "!". The reference
 * matcher translates a pattern to a regular expression, and its answers have the marks of that: "**" before
 * other text is "any text and a slash, or nothing", "any text" stops at a newline, a wildcard inside [] is
 * translated too, \d is a digit. So the same translation is made here, and the few forms that it can give run
 * as a list of states, in time of the pattern's length for each character of the path.
 */
struct ignore_pattern;

/* *fault: what is wrong with it, fit for a message, or NULL. NULL comes back with a fault. */
struct ignore_pattern *ignore_pattern_new(const char *text, const char **fault);
bool ignore_pattern_match(const struct ignore_pattern *p, const char *path);
void ignore_pattern_free(struct ignore_pattern *p);
AUTO_DEFINE(struct ignore_pattern *, ignore_pattern_free)

#endif
