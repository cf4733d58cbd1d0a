/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BASE_SUGGEST_H
#define LADE_BASE_SUGGEST_H

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>

/* "did you mean …?": the name in a list that differs least from what was written, by fewer than 3 edits. */

/* Borrowed from `names`; NULL when none is near, or when one is equal. Without `match_case`, ASCII case does
 * not count. */
const char *suggest_find(const char *written, const char *const *names, size_t count, bool match_case);
/* "did you mean X?" for suggest_find, or NULL. New string. */
char *suggest_hint(const char *written, const char *const *names, size_t count, bool match_case);

#endif
