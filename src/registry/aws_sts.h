/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_AWS_STS_H
#define LADE_REGISTRY_AWS_STS_H

#include "base/attr.h"
#include "base/err.h"
#include "registry/aws.h"

/*
 * Keys of a role from AWS's Security Token Service, which answers with XML. Asked in the region of
 * $AWS_REGION or $AWS_DEFAULT_REGION, else of the registry.
 */
struct aws_role {
    const char *arn;
    const char *session;     /* NULL: "lade" */
    const char *external_id; /* or NULL */
    const char *region;      /* before that of the registry; may be NULL */
};
/* AssumeRoleWithWebIdentity: by a token that stands in a file and is read anew each time. */
MUST_USE struct err *aws_assume_by_token(struct aws_keys *out, struct aws *a, const struct aws_role *role,
                                         const char *token_file);
/* AssumeRole: by other keys. */
MUST_USE struct err *aws_assume_by_keys(struct aws_keys *out, struct aws *a, const struct aws_role *role,
                                        const struct aws_keys *keys);
/* The answer to `action`. `source` stays NULL. */
MUST_USE struct err *aws_sts_parse(struct aws_keys *out, const char *document, size_t len, const char *action,
                                   const char *what);

#endif
