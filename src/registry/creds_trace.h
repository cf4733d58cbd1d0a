/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_CREDS_TRACE_H
#define LADE_REGISTRY_CREDS_TRACE_H

#include "base/attr.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Where credentials were looked for, in this order, and what came of each place: for messages and for "lade
 * auth explain". No secret ever enters it: neither a password nor a token, not even a part of one. A zeroed
 * struct is empty.
 */
struct creds_trace_step {
    char *source; /* "$REGISTRY_AUTH_FILE", "/home/u/.docker/config.json", "the instance's metadata" */
    char *result; /* "found: user \"ci\"", "no such file", "no entry for ghcr.io" */
    bool looked;  /* false: there was nothing to look at, as a variable that is not set */
};
struct creds_trace {
    struct creds_trace_step *step;
    size_t count, room;
};

/* Add a step. Nothing happens when `trace` is NULL. Text from outside is made safe here. */
void creds_trace_add(struct creds_trace *trace, const char *source, const char *format, ...) PRINTF(3, 4);
/* The same for what there is not, so that nobody looked. */
void creds_trace_skip(struct creds_trace *trace, const char *source, const char *format, ...) PRINTF(3, 4);
/* The sources looked at, "a, b and c", each once. New string. */
char *creds_trace_sources(const struct creds_trace *trace);
void creds_trace_wipe(struct creds_trace *trace);

#endif
