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
 * "credsStore". Keys of "auths" are hosts, hosts with a path (containers-auth.json(5)), old URLs, of which
 * only the host counts, or patterns (registry/creds_kube.h). A file named .dockercfg has the inner part
 * of "auths" alone.
 */
struct authfile {
    char *name; /* a path, or "$DOCKER_AUTH_CONFIG" */
    json_t *document;
};

#define AUTHFILE_MAX (1u << 20)

/* *found false when there is no such file. ERR_INPUT when it is not what it should be. */
MUST_USE struct err *authfile_read(struct authfile *out, const char *path, bool *found);
MUST_USE struct err *authfile_parse(struct authfile *out, const char *text, size_t len, const char *name);
/* Which credentials are wanted. */
struct authfile_query {
    const char *host, *repository; /* repository: or NULL */
    unsigned skip;                 /* of a Kubernetes secret: so many that fit were refused */
    struct creds_trace *trace;     /* or NULL */
};
/* What it has: auths with a path, then the helper of the host or of all, then auths of the host, then
 * patterns. *found false: nothing. */
MUST_USE struct err *authfile_find(const struct authfile *f, struct creds *out,
                                   const struct authfile_query *q, bool *found);
/* What stands under a key of "auths", as it is written there; NULL when it has none. Borrowed. */
MUST_USE struct err *authfile_auths(const struct authfile *f, const json_t **auths);
MUST_USE struct err *authfile_entry(const struct authfile *f, const char *key, struct creds *out,
                                    bool *found);
/* The helper for a host, or NULL. Borrowed. */
MUST_USE struct err *authfile_helper(const struct authfile *f, const char *host, const char **helper);
/* Drop all entries of a host, in every spelling, from "auths"; paths below it stay. */
void authfile_drop(struct authfile *f, const char *host, bool *found);
void authfile_wipe(struct authfile *f);

/* How Docker names a server: "https://index.docker.io/v1/" for Docker Hub, else the host. Borrowed. */
const char *authfile_server(const char *host);
/* One spelling for each host: "docker.io" for all of Docker Hub's, lower case, without the port of HTTPS. New
 * string. */
char *authfile_host(const char *host);
bool authfile_same_host(const char *a, const char *b);
/* "https://host/v1/" and the like as "host" or "host/path". New string. */
char *authfile_key(const char *key, bool path_of_url);

#endif
