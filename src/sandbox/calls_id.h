/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_SANDBOX_CALLS_ID_H
#define LADE_SANDBOX_CALLS_ID_H

#include "sandbox/emulate_inner.h"

/* The process that asks has these credentials from now on; the value is 0. */
struct answer id_take_credentials(struct ask *a, const struct credentials *c);

#endif
