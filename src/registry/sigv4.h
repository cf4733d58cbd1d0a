/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_SIGV4_H
#define LADE_REGISTRY_SIGV4_H

#include "base/attr.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * AWS Signature Version 4 (AWS General Reference, "Signing AWS API requests"): the Authorization header of a
 * request. Pure.
 */
struct sigv4_request {
    const char *method;
    const char *host;             /* as in the Host header, with a port that is not the scheme's own */
    const char *path;             /* not percent-encoded */
    const struct strmap *query;   /* not percent-encoded; may be NULL */
    const struct strmap *headers; /* others that are signed; "Host", "X-Amz-Date" and "X-Amz-Security-Token"
                                   * are added here. May be NULL */
    const void *body;
    size_t body_len;
    const char *body_hash; /* in the place of the body: its SHA-256 in hex, or SIGV4_UNSIGNED; or NULL */
    bool path_as_is;       /* as Amazon S3 wants it: nothing is taken out of the path */
};
#define SIGV4_UNSIGNED "UNSIGNED-PAYLOAD"
struct sigv4_key {
    const char *id, *secret;
    const char *token; /* of temporary keys, or NULL */
    const char *region, *service;
};

/* "20150830T123600Z", for the header X-Amz-Date. */
#define SIGV4_DATE 17
void sigv4_date(int64_t unix_seconds, char text[SIGV4_DATE]);
/* The value of Authorization for a request that carries the X-Amz-Date of this time, and the token in
 * X-Amz-Security-Token when there is one. New string. */
char *sigv4_sign(const struct sigv4_request *q, const struct sigv4_key *key, int64_t unix_seconds);

#endif
