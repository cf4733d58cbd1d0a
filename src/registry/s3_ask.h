/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_S3_ASK_H
#define LADE_REGISTRY_S3_ASK_H

#include "base/attr.h"
#include "base/err.h"
#include "base/lock.h"
#include "base/str.h"
#include "registry/aws.h"
#include "registry/keyed.h"
#include "registry/s3.h"
#include "registry/transfer.h"

#include <stdbool.h>
#include <stdint.h>

/* Signed requests to one bucket, for s3.c and s3_parts.c. */
struct s3 {
    struct keyed_place place;
    struct transfer transfer;
    struct cloud cloud;
    char *bucket, *region, *blobs, *manifests;
    char *base; /* "https://bucket.host" or "https://host/bucket" */
    char *root; /* what of it is path: "" or "/bucket" */
    unsigned refresh_s;
    struct lock *lock; /* for what follows */
    struct aws aws;
    struct aws_keys keys; /* empty until the first request */
    uint64_t keys_ms;     /* when they were found */
};

struct s3_request {
    struct s3 *s3;
    const char *method;
    const char *key;
    const struct strmap *query; /* may be NULL */
    const char *body_hash;      /* NULL: there is no body */
    const char *copy_from;      /* x-amz-copy-source, or NULL */
    struct source *body;
    uint64_t body_begin, body_size;
    bool sends;
    int64_t skew; /* what it was signed with, for s3_ask_learn */
    uint64_t keys_ms;
};

/* Where objects are: checks bucket, region and endpoint. */
MUST_USE struct err *s3_ask_base(struct s3 *s, const struct s3_options *options);
/* transfer_compose; `ctx` is a struct s3_request. */
struct err *s3_ask_compose(void *ctx, struct transfer_parts *parts);
/* "PUT https://…" for messages. New string. */
char *s3_ask_what(const struct s3_request *q);
/* Any status but those that pass. */
MUST_USE struct err *s3_ask_send(struct transfer_reply *out, const struct s3_request *q);
/* A status that is no success. */
MUST_USE struct err *s3_ask_refusal(const struct s3_request *q, const struct transfer_reply *r);
/* Does the reply say that our clock or our keys were out of date? Then they are not any more: try again. */
bool s3_ask_learn(const struct s3_request *q, int status, const struct strmap *headers);

/* A blob in parts (multipart upload). */
MUST_USE struct err *s3_put_parts(struct s3 *s, const char *key, const struct desc *d, struct source *from);

#endif
