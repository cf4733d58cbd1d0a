/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_CACHELIMIT_H
#define LADE_LAYERS_CACHELIMIT_H

#include "base/attr.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* How many bytes $LADE_CACHE may take: $LADE_CACHE_LIMIT, which is a size ("20gb"), a part of the file system
 * ("15%") or "none"; else a tenth of the file system. */
#define CACHELIMIT_ENV "LADE_CACHE_LIMIT"

bool cachelimit_is_set(void);
/* Can what is set be read? ERR_USAGE. */
MUST_USE struct err *cachelimit_check(void);
/* `cache_dir` is a descriptor on its file system. UINT64_MAX: no limit. ERR_USAGE as above. */
MUST_USE struct err *cachelimit_of(int cache_dir, uint64_t *bytes);

#endif
