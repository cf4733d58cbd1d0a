/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_SANDBOX_SPEC_WIRE_H
#define LADE_SANDBOX_SPEC_WIRE_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "sandbox/sandbox.h"
#include "sandbox/wire.h"

/*
 * What lade and its "lade-sandbox" process say to each other. lade's first message is a request: a number,
 * then what belongs to it. The answers are a supervisor's pidfd, and at the end a result.
 */
#define SANDBOX_MODE "lade-sandbox"
/* The descriptors of that process. */
#define SANDBOX_CONTROL 3
#define SANDBOX_OUTPUT 4

enum wire_request { REQUEST_RUN, REQUEST_PROBE, REQUEST_CAPABILITIES };
enum wire_answer { ANSWER_SUPERVISOR, ANSWER_RESULT };

void spec_wire_put(struct buf *b, const struct sandbox_spec *spec);
/* What it points to is never freed: it lives as long as the process that receives it. `cancel_fd`, `output`
 * and `ctx` stay empty. */
MUST_USE struct err *spec_wire_get(struct sandbox_spec *out, struct wire_in *in);

/* A result, and why there is none. */
void result_wire_put(struct buf *b, const struct sandbox_result *result, const struct err *why);
/* The error is the sender's, or that the message is damaged. *out is set in any case. */
MUST_USE struct err *result_wire_get(struct sandbox_result *out, struct wire_in *in);

#endif
