/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_SANDBOX_BARE_H
#define LADE_SANDBOX_BARE_H

#include "sandbox/inside.h"

/* SANDBOX_CHROOT, where nothing can be mounted: files that the caller wants are copied in, and devices made
 * where they can be; targets_remove takes both away. ERR_UNSUPPORTED for what needs a mount. */
MUST_USE struct err *bare_place(struct inside *in);
/* Before targets_remove: give the files that were written over their bytes back. */
void bare_remove(struct inside *in);

#endif
