/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_ECR_H
#define LADE_REGISTRY_ECR_H

#include "base/attr.h"
#include "base/err.h"
#include "registry/cloud_ask.h"
#include "registry/creds.h"

#include <stdbool.h>

/*
 * Amazon Elastic Container Registry: a password for 12 hours from GetAuthorizationToken, asked for with keys
 * of AWS (aws.h). A private registry takes it as Basic; public.ecr.aws gives tokens for it.
 */
struct ecr_host {
    char *region;
    char *api; /* the host that gives passwords */
    bool open; /* public.ecr.aws */
};
/* NNNNNNNNNNNN.dkr.ecr.REGION.amazonaws.com, with FIPS, dual-stack and the other partitions; false for
 * others. */
MUST_USE bool ecr_host_parse(struct ecr_host *out, const char *host);
void ecr_host_wipe(struct ecr_host *h);

MUST_USE struct err *ecr_find(struct creds *out, const struct cloud *c, const struct ecr_host *h,
                              bool *found);
/* The answer to GetAuthorizationToken; *end_unix 0 when it names none. */
MUST_USE struct err *ecr_parse(struct creds *out, int64_t *end_unix, const json_t *answer, const char *what);

#endif
