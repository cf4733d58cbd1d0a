/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_SANDBOX_RANGE_H
#define LADE_SANDBOX_RANGE_H

#include "base/attr.h"
#include "base/err.h"

#include <stdbool.h>

/* Are we root of a user namespace that has more ids than one, but not all? */
bool range_is_inside(void);
/* Make such a namespace with newuidmap and newgidmap, and leave it. */
MUST_USE struct err *range_try(void);

#endif
