/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BASE_JSON_PLACE_H
#define LADE_BASE_JSON_PLACE_H

#include "base/diag.h"
#include "base/str.h"

#include <stdbool.h>

/* Where in a JSON text a value stands, so that what is wrong with it can be shown (base/diag.h). The text
 * must be one that json_parse has taken, with a NUL behind it. `path` leads from the root: names of members,
 * and numbers from 0 for the items of arrays. `name`: the name of the member in place of its value. What does
 * not exist has the place of what would hold it. */
struct span json_place(const char *text, const struct strlist *path, bool name);

#endif
