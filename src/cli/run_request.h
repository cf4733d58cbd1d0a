/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_CLI_RUN_REQUEST_H
#define LADE_CLI_RUN_REQUEST_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "builder/run_options.h"

/* What the command line of `lade build` says of RUN. */
struct run_settings {
    struct strlist allow, hosts, no_cache_filters, secrets, agents, ulimits;
    const char *userns, *network, *memory, *shm_size, *timeout, *step_timeout;
};

/* ERR_USAGE; ERR_NOT_FOUND and the like for files of secrets, which are read here. */
MUST_USE struct err *run_request_make(struct run_options *out, const struct run_settings *settings);
void run_request_wipe(struct run_options *o);

/* "auto", "single", "subuid", "host"; NULL is auto. */
MUST_USE struct err *run_request_userns(enum sandbox_wanted *out, const char *text);

#endif
