/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_SANDBOX_PROBE_H
#define LADE_SANDBOX_PROBE_H

#include "base/attr.h"
#include "base/err.h"
#include "sandbox/wire.h"

/* In the "lade-sandbox" process: do what the request names, and answer on `control`. */
MUST_USE struct err *probe_serve(struct wire_in *request, int control);

#endif
