/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_CHALLENGE_H
#define LADE_REGISTRY_CHALLENGE_H

#include "base/attr.h"
#include "base/str.h"

#include <stddef.h>

/*
 * WWW-Authenticate (RFC 9110 section 11.6.1): what a server asks for. A reply may have several such headers,
 * and each several challenges. Names are case-insensitive and kept in lower case. What does not parse ends
 * the header; what stands before it counts. Pure.
 */
struct challenge {
    char *scheme;         /* "bearer" */
    struct strmap params; /* realm, service, scope, error, … */
};
struct challenges {
    struct challenge *item;
    size_t count, room;
};

#define CHALLENGES_MAX 16
#define CHALLENGE_PARAMS_MAX 16

/* Append the challenges of one header's value. */
void challenge_parse(struct challenges *list, const char *value);
/* The first of this scheme, or NULL. Borrowed. */
const struct challenge *challenge_find(const struct challenges *list, const char *scheme);
void challenges_wipe(struct challenges *list);

#endif
