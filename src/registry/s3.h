/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_S3_H
#define LADE_REGISTRY_S3_H

#include "base/attr.h"
#include "base/err.h"
#include "image/store.h"
#include "registry/transfer.h"

#include <stdbool.h>

/*
 * A bucket of Amazon S3, or of a server that speaks as it does, as a store: blobs under BLOBS<digest>,
 * manifests under MANIFESTS<name>, as BuildKit lays out its caches. Requests are signed (registry/sigv4.h)
 * with keys from where the AWS SDKs look (registry/aws.h).
 */
struct s3_options {
    const char *bucket;
    const char *region;    /* NULL: $AWS_REGION, $AWS_DEFAULT_REGION; "us-east-1" for servers of others */
    const char *endpoint;  /* "https://host:port"; NULL: $AWS_ENDPOINT_URL_S3, $AWS_ENDPOINT_URL, Amazon's */
    const char *blobs;     /* "prefix/blobs/" */
    const char *manifests; /* "prefix/manifests/" */
    bool path_style;       /* the bucket's name stands in the path, not in the host */
    unsigned refresh_s;    /* a blob that is older is renewed, for rules that remove old ones; 0: never */
    struct transfer_options transfer;
};

#define S3_REFRESH_S 86400u
/* What is larger goes up in parts. */
#define S3_WHOLE_MAX (UINT64_C(64) << 20)
#define S3_PART (UINT64_C(32) << 20)
#define S3_PARTS_MAX 10000u /* Amazon's limit */
#define S3_PARTS_FEW 1000u  /* OpenStack Swift's: kept for blobs of up to S3_FEW_MAX */
#define S3_FEW_MAX (UINT64_C(1000) << 30)

/* Makes no request. ERR_USAGE, ERR_INPUT for options that cannot be. */
MUST_USE struct err *s3_open(struct store **out, const struct s3_options *options);

/* Of a blob that goes up in parts: at most S3_PARTS_MAX are needed. Pure. */
uint64_t s3_part_size(uint64_t size);

#endif
