/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_CLOUD_H
#define LADE_REGISTRY_CLOUD_H

#include "base/attr.h"
#include "base/err.h"
#include "registry/creds.h"
#include "registry/creds_trace.h"
#include "registry/http.h"

#include <stdbool.h>

/*
 * Credentials that a cloud gives to programs which run in it, or for keys that the user has there: Amazon ECR
 * (registry/ecr.h), Azure Container Registry (acr.h), Google Artifact Registry (gar.h). `host` as in
 * references; nothing is asked, and no file is read, for hosts that belong to none of them. They are asked
 * for anew at each call, and end at `out->end_ms`.
 *
 * *found is false when it is no cloud's registry, or there are no credentials here. What was given by the
 * user and is not good (a variable, a file) is an error; of what is only tried (metadata of the machine), the
 * trace tells. For registries that serve images to everybody (public.ecr.aws) nothing is an error. `trace`
 * may be NULL.
 */
MUST_USE struct err *cloud_find(struct creds *out, struct http_counts *counts, const char *host,
                                struct creds_trace *trace, bool *found);

#endif
