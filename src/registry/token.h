/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_TOKEN_H
#define LADE_REGISTRY_TOKEN_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "registry/creds.h"
#include "registry/host.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Ask a token server for a bearer token (distribution's token and OAuth documents). By GET with Basic or
 * nothing, and by POST where a server does not know GET; with an identity token by POST, and by GET where a
 * server does not know POST. Credentials go to a server only when it belongs to the registry's site;
 * redirects are followed on the server itself only.
 */
struct token {
    char *value;
    char *refresh;    /* another identity token for the next time, or NULL */
    uint64_t life_ms; /* from receipt; at least 60 s */
};
#define TOKEN_BODY_MAX (64u << 10)
#define TOKEN_LIFE_MIN_S 60

struct token_request {
    const char *realm;   /* absolute, checked */
    const char *service; /* or NULL */
    const struct strlist *scopes;
    const struct creds *creds;
};
/* ERR_DENIED when the server refuses, or is none to send credentials to. */
MUST_USE struct err *token_fetch(struct token *out, struct host *h, const struct token_request *q);
/* ERR_INPUT when it is not what it should be, or cannot stand in a header. `now_unix` is only for servers
 * that give out a token that they made before: "issued_at" counts when it makes sense. */
MUST_USE struct err *token_parse(struct token *out, const char *body, size_t len, const char *what,
                                 int64_t now_unix);
/* May credentials for a registry go to this token server? The same host, both on this machine, both names
 * without a dot, a common parent domain (none like "co.uk"), a pair that is known, or named in
 * $LADE_TOKEN_SERVERS (hosts separated by commas). Hosts without port. */
bool token_server_is_trusted(const char *registry, const char *server);
void token_wipe(struct token *t);

#endif
