/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_IMAGE_REF_H
#define LADE_IMAGE_REF_H

#include "base/attr.h"
#include "base/digest.h"
#include "base/err.h"

#include <stdbool.h>

/*
 * An image reference: registry/repository[:tag][@digest], with Docker's defaults: no registry is docker.io, a
 * one-part name on docker.io gets "library/", and nothing after the repository is ":latest". IPv6 literals in
 * brackets are accepted. Grammar: distribution-spec v1.1 "Pulling manifests"; reference grammar of the
 * distribution project.
 */
struct ref {
    char *registry;   /* "docker.io", "localhost:5000", "[::1]:5000"; lower case is not forced */
    char *repository; /* "library/alpine" */
    char *tag;        /* NULL when there is only a digest */
    struct digest digest;
};

/* Parse what a user typed. ERR_INPUT with the text and the place of the mistake. */
MUST_USE struct err *ref_parse(struct ref *out, const char *text);
/* The full form, defaults written out: "docker.io/library/alpine:3". New string. */
char *ref_text(const struct ref *r);
/* As people write it: without docker.io/ and library/. New string. */
char *ref_familiar(const struct ref *r);
/* "registry/repository". New string. */
char *ref_name(const struct ref *r);
void ref_copy(struct ref *to, const struct ref *from); /* `to` is wiped first */
void ref_wipe(struct ref *r);
bool ref_tag_valid(const char *tag);

#endif
