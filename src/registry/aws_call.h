/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_AWS_CALL_H
#define LADE_REGISTRY_AWS_CALL_H

#include "base/attr.h"
#include "base/err.h"
#include "registry/aws.h"

#include <stdbool.h>

/*
 * One signed call of an AWS service: POST to the root of `url`. When it is refused and the Date of the answer
 * shows that our clock is wrong, it is signed once more with AWS's time, which a->skew keeps.
 */
struct aws_call {
    const char *url, *region, *service;
    const struct strmap *headers; /* signed */
    const char *body;
    size_t body_len;
};
#define AWS_SKEW_MIN_S 240 /* AWS takes what is up to 5 minutes off */

MUST_USE struct err *aws_call_send(struct cloud_reply *out, struct aws *a, const struct aws_keys *keys,
                                   const struct aws_call *call);

/* Does the Date of a refusal show, for the first time, that our clock is wrong? Then a->skew is set. */
bool aws_call_clock(struct aws *a, int status, const struct strmap *headers);

#endif
