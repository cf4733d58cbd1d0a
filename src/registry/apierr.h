/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_APIERR_H
#define LADE_REGISTRY_APIERR_H

#include "base/attr.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * What a registry says when it refuses (distribution-spec v1.1 "Error Codes"): JSON, or text, or a page of
 * HTML, or nothing. Foreign text comes out escaped and cut. Pure.
 */
struct apierr {
    char *code;    /* "MANIFEST_UNKNOWN", or NULL */
    char *message; /* what it says, with the detail when that is text; or NULL */
};

#define APIERR_BODY_MAX (64u << 10)

void apierr_parse(struct apierr *out, const char *body, size_t len);
/* Does the body carry this code, among others? */
bool apierr_has(const char *body, size_t len, const char *code);
/* "METHOD URL: HTTP 503 UNAVAILABLE: message", of the kind that the status says; 413 is ERR_RESOURCE. `url`
 * is fit to be shown. */
MUST_USE struct err *apierr_new(int status, const char *method, const char *url, const char *body,
                                size_t len);
void apierr_wipe(struct apierr *e);

#endif
