/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_SANDBOX_PRIVILEGES_H
#define LADE_SANDBOX_PRIVILEGES_H

#include "base/attr.h"
#include "base/err.h"

/* What the command's process may never have: of the capabilities, all but those that Docker gives a container
 * by default are taken out of what programs can get, and none are handed on. Needs CAP_SETPCAP. */
MUST_USE struct err *privileges_drop(void);
/* None are handed on over exec, but root's programs get what the bounding set has. */
MUST_USE struct err *privileges_hand_on_none(void);
/* Signals and abstract sockets end at the sandbox, where the kernel can see to that (Linux 6.12). Needs
 * no_new_privs or CAP_SYS_ADMIN. */
void privileges_scope(void);

#endif
