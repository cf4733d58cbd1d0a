/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_AUTHFILE_H
#define LADE_REGISTRY_AUTHFILE_H

#include "base/attr.h"
#include "base/err.h"
#include "base/json.h"
#include "registry/creds.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * One document in the form of Docker's config.json or containers' auth.json: "auths", "credHelpers",
 * "credsStore". Keys of "auths" are hosts, hosts with a path (containers-auth.json(5)), or old URLs, of which
 * only the host counts.
 */
struct authfile {
    char *name; /* a path, or "$DOCKER_AUTH_CONFIG" */
    json_t *document;
};

#define AUTHFILE_MAX (1u << 20)

/* *found false when there is no such file. ERR_INPUT when it is not what it should be. */
MUST_USE struct err *authfile_read(struct authfile *out, const char *path, bool *found);
MUST_USE struct err *authfile_parse(struct authfile *out, const char *text, size_t len, const char *name);
/* What it has for a host and repository (may be NULL): auths with a path, then the helper of the host or of
 * all, then auths of the host. *found false: nothing. */
MUST_USE struct err *authfile_find(const struct authfile *f, struct creds *out, const char *host,
                                   const char *repository, bool *found);
/* The helper for a host, or NULL. Borrowed. */
MUST_USE struct err *authfile_helper(const struct authfile *f, const char *host, const char **helper);
/* Drop all entries of a host, in every spelling, from "auths"; paths below it stay. */
void authfile_drop(struct authfile *f, const char *host, bool *found);
void authfile_wipe(struct authfile *f);

/* How Docker names a server: "https://index.docker.io/v1/" for Docker Hub, else the host. Borrowed. */
const char *authfile_server(const char *host);
/* One spelling for each host: "docker.io" for all of Docker Hub's, else itself. Borrowed. */
const char *authfile_host(const char *host);

#endif
