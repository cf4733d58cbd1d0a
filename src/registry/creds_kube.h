/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_CREDS_KUBE_H
#define LADE_REGISTRY_CREDS_KUBE_H

#include "base/attr.h"
#include "base/err.h"
#include "registry/authfile.h"

#include <stdbool.h>

/*
 * Keys as Kubernetes reads them in an image pull secret: "host[:port][/path]" or a URL, where each label of
 * the host may have "*", "?" and "[a-z]", the number of labels and the port must be the same, and a path fits
 * what stands below it. Of several that fit, the longest path comes first, then the plainest host. In a
 * secret (a file .dockerconfigjson or .dockercfg) each of them is tried when those before it were refused.
 */
bool creds_kube_is_secret(const char *path);
/* With `patterns` keys without a pattern do not count. */
MUST_USE struct err *creds_kube_find(const struct authfile *f, struct creds *out,
                                     const struct authfile_query *q, bool patterns, bool *found);
/* Pure: does this key fit? */
bool creds_kube_fits(const char *key, const char *host, const char *repository);

#endif
