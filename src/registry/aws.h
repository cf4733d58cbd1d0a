/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_AWS_H
#define LADE_REGISTRY_AWS_H

#include "base/attr.h"
#include "base/err.h"
#include "registry/cloud_ask.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Keys of AWS, from the first of these places that has some, as the AWS SDKs look for them: the environment;
 * a profile of the shared files (aws_profile.h); web identity; the container's metadata; the instance's.
 */
struct aws_keys {
    char *id, *secret;
    char *token;  /* of temporary keys, or NULL */
    char *source; /* for messages: "$AWS_ACCESS_KEY_ID" */
};
void aws_keys_wipe(struct aws_keys *k);

/* One search: for which region, and what is learned on the way. */
struct aws {
    const struct cloud *cloud;
    const char *region; /* of the registry; calls go to it unless the user names another */
    int64_t skew;       /* seconds that AWS is ahead of our clock */
};

MUST_USE struct err *aws_find(struct aws_keys *out, struct aws *a, bool *found);

/* The parts of aws_find; *found false: there is nothing. */
MUST_USE struct err *aws_from_profile(struct aws_keys *out, struct aws *a, bool *found);
MUST_USE struct err *aws_from_container(struct aws_keys *out, const struct aws *a, bool *found);
MUST_USE struct err *aws_from_instance(struct aws_keys *out, const struct aws *a, bool *found);

/* Keys in JSON, as metadata and credential_process give them; `token_key` is "Token" or "SessionToken".
 * ERR_INPUT naming `what`. */
MUST_USE struct err *aws_keys_parse(struct aws_keys *out, const json_t *answer, const char *token_key,
                                    const char *what);

/* "eu-west-1": letters, digits and hyphens. */
bool aws_region_valid(const char *region);
/* "amazonaws.com", or what stands in its place in the region's partition. */
const char *aws_suffix(const char *region);
/* Where a service is: $AWS_ENDPOINT_URL_<name>, $AWS_ENDPOINT_URL, else "https://<host>". New string. */
char *aws_endpoint(const char *name, const char *host);

#endif
