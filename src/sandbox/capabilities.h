/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_SANDBOX_CAPABILITIES_H
#define LADE_SANDBOX_CAPABILITIES_H

#include "base/attr.h"
#include "base/err.h"
#include "sandbox/wire.h"

/* In the "lade-sandbox" process: what sandbox_set_capabilities asks for, beneath `dirfd`. */
MUST_USE struct err *capabilities_serve(struct wire_in *request, int dirfd);

#endif
