/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_CREDS_CI_H
#define LADE_REGISTRY_CREDS_CI_H

#include "base/attr.h"
#include "registry/creds.h"
#include "registry/creds_trace.h"

#include <stdbool.h>

/*
 * What a CI system tells its jobs by variables of its own, for its own registry only. GitHub Actions:
 * GITHUB_TOKEN, for ghcr.io. GitLab: CI_REGISTRY_USER with CI_REGISTRY_PASSWORD, CI_JOB_TOKEN, and
 * CI_DEPLOY_USER with CI_DEPLOY_PASSWORD for $CI_REGISTRY; CI_DEPENDENCY_PROXY_USER with
 * CI_DEPENDENCY_PROXY_PASSWORD for $CI_DEPENDENCY_PROXY_SERVER. The first `skip` that fit are passed over.
 */
void creds_ci_find(struct creds *out, const char *host, unsigned skip, struct creds_trace *trace,
                   bool *found);

#endif
