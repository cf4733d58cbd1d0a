/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_CLI_BUILD_REQUEST_H
#define LADE_CLI_BUILD_REQUEST_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "builder/build.h"
#include "cli/cache_request.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/run_request.h"
#include "image/ref.h"

#include <stdbool.h>

/* The command line of `lade build`, and what it means: everything that can be wrong in it is found here,
 * before anything is done. */
struct build_settings {
    struct shared shared;
    struct strlist tags, build_args, labels, annotations, outputs, platforms, cache_from, cache_to;
    const char *file, *target, *iidfile, *metadata_file;
    const char *compression, *compression_level, *epoch, *builder;
    bool push, pull, complete, no_cache, trust_times, estargz, explain;
    struct run_settings run;
};

struct build_request {
    struct build_options options; /* without cache and events */
    struct ref *tags;             /* with the names of outputs */
    size_t tag_count, tag_room;
    struct outputs outputs;
    struct cache_places cache_from, cache_to;
    bool push;
    bool stdout_taken; /* an output goes there */
};

/* ERR_USAGE, ERR_INPUT for names, ERR_UNSUPPORTED. Runs git for `--source-date-epoch git`. */
MUST_USE struct err *build_request_make(struct build_request *out, const struct build_settings *settings,
                                        const char *context);
void build_request_wipe(struct build_request *r);

#endif
