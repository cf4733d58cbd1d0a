/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_HELPER_H
#define LADE_REGISTRY_HELPER_H

#include "base/attr.h"
#include "base/err.h"

#include <stdbool.h>

/*
 * Docker's credential helpers: a program docker-credential-NAME of $PATH, run without a shell, one word as
 * argument, the rest by standard input, at most 60 s and 64 KiB. `name` is [A-Za-z0-9._-]+, else ERR_INPUT. A
 * helper that is missing or fails is an error (ERR_NOT_FOUND, ERR_DENIED) and not "no credentials". `server`
 * is the host, or "https://index.docker.io/v1/".
 */
#define HELPER_TIMEOUT_MS 60000
#define HELPER_OUTPUT_MAX (64u << 10)

/* *username NULL when it has none for this server. New strings; wipe the secret. A username "<token>" means
 * that the secret is an identity token. */
MUST_USE struct err *helper_get(const char *name, const char *server, char **username, char **secret);
MUST_USE struct err *helper_store(const char *name, const char *server, const char *username,
                                  const char *secret);
MUST_USE struct err *helper_erase(const char *name, const char *server);

#endif
