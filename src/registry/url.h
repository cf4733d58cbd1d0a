/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_URL_H
#define LADE_REGISTRY_URL_H

#include "base/attr.h"
#include "base/err.h"

#include <stdbool.h>

/*
 * An http or https URL, checked: no user or password in it, no fragment, no control characters, a plain host.
 * With http.c the only place that knows libcurl. A zeroed struct is empty.
 */
struct url {
    char *text;    /* whole; the query byte for byte as it came */
    char *scheme;  /* "http" or "https" */
    char *host;    /* lower case, IPv6 in brackets */
    unsigned port; /* the effective one */
};

#define URL_SIZE_MAX (16u << 10)

/* ERR_INPUT naming what is wrong; the text itself is shown by url_shown's rules. */
MUST_USE struct err *url_parse(struct url *out, const char *text);
/* A Location or realm that came in answer to a request to `base`: absolute or relative. https to http at the
 * same host and port is a proxy that was set up wrongly, and stays https; to another it is ERR_DENIED. */
MUST_USE struct err *url_resolve(struct url *out, const struct url *base, const char *location);
/* Append key=value to the query, the value percent-encoded; what is there is kept as it is. */
void url_add_query(struct url *u, const char *key, const char *value);
/* The same scheme, host and effective port. Credentials are bound to this. */
bool url_same_origin(const struct url *a, const struct url *b);
/* "host" or "host:port" when the port is not the scheme's own. New string. */
char *url_host_port(const struct url *u);
/* For messages and logs: the query is cut off ("?…"), the rest escaped. New string. */
char *url_shown(const struct url *u);
/* Percent-encode all but unreserved characters (RFC 3986). New string. */
char *url_encode(const char *text);
void url_copy(struct url *to, const struct url *from); /* `to` is wiped first */
void url_wipe(struct url *u);

#endif
