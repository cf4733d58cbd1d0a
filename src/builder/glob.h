/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_GLOB_H
#define LADE_BUILDER_GLOB_H

#include "base/attr.h"

#include <stdbool.h>

/*
 * Wildcards in the sources of COPY and ADD, as Go's path.Match reads them: "*" is any text without "/", "?"
 * one character but
 * "/", "[a-z]" and "[^a-z]" one character of a class (which may be "/"), and "\" makes the next character
 * ordinary. Characters are UTF-8; a byte that is none is a character of its own. The cost is at most pattern
 * times name.
 */

/* Does it have "*", "?" or "[" without a "\" before? */
bool glob_has_wildcards(const char *pattern);
/* What is wrong with the pattern, fit for a message ("the [ is not closed"), or NULL. */
const char *glob_fault(const char *pattern);
/* Does the pattern match the whole name? False when it is not valid. */
bool glob_match(const char *pattern, const char *name);

/* The same, but what stands behind a "*" that the match of `name` does not get to is not looked at: so does
 * Go's path/filepath. */
const char *glob_fault_on(const char *pattern, const char *name);

#endif
