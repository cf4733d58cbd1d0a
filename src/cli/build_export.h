/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_CLI_BUILD_EXPORT_H
#define LADE_CLI_BUILD_EXPORT_H

#include "base/attr.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "builder/build.h"
#include "cli/build_request.h"
#include "cli/session.h"

/* What happens with an image that was built: its names in the local store, the outputs, the push, the files
 * about it. */

/* `from` gives the image's blobs. */
MUST_USE struct err *build_export(struct session *s, const struct build_request *request,
                                  const struct build_result *result, struct store *from);
/* --iidfile: the manifest's digest. --metadata-file: buildx's keys, what was published, and what came from
 * and went to caches (`exported`: cache_export). Both may be NULL. */
MUST_USE struct err *build_export_about(struct session *s, const struct build_request *request,
                                        const struct build_result *result, json_t *exported,
                                        const char *iidfile, const char *metadata_file);

#endif
