/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_RUN_OPTIONS_H
#define LADE_BUILDER_RUN_OPTIONS_H

#include "base/str.h"
#include "sandbox/sandbox.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the user says of all RUN steps of a build. */

struct run_secret {
    char *id;
    char *data; /* read before the build begins; at most RUN_SECRET_MAX bytes */
    size_t data_len;
};
#define RUN_SECRET_MAX (500 * 1024) /* BuildKit's */

struct run_agent { /* --ssh id=socket */
    char *id;
    char *socket;
};

struct run_options {
    enum sandbox_wanted userns;
    enum sandbox_network network; /* of RUN without --network, and --network=default */
    bool allow_insecure;          /* --allow security.insecure */
    bool allow_host_network;      /* --allow network.host */
    struct run_secret *secret;
    size_t secret_count, secret_room;
    struct run_agent *agent;
    size_t agent_count, agent_room;
    struct strmap hosts; /* --add-host: name to address */
    uint64_t shm_size;   /* 0: 64 MiB */
    struct sandbox_limit *limit;
    size_t limit_count, limit_room;
    uint64_t step_timeout_ms, build_timeout_ms; /* 0: none */
    bool no_cache;                              /* take no step from the cache */
    struct strlist no_cache_filter;             /* nor of these stages, by name or number */
};

#endif
