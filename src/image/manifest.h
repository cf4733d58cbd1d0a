/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_IMAGE_MANIFEST_H
#define LADE_IMAGE_MANIFEST_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "image/desc.h"

#include <stddef.h>

/*
 * Manifests and indexes, OCI and Docker. What is fetched is parsed for its links only and passed on as bytes;
 * what is built is written once by manifest_bytes or index_bytes and never from parsed form again.
 */
struct manifest {
    char *media_type;          /* as it says, or as the descriptor says when it does not */
    char *artifact_type;       /* or NULL */
    struct desc config;        /* manifests */
    struct desclist layers;    /* manifests, base first */
    struct desclist manifests; /* indexes */
    struct desc subject;       /* media_type NULL when there is none */
    struct strmap annotations;
};

#define MANIFEST_SIZE_MAX (4u << 20)
#define MANIFEST_LAYERS_MAX 512
#define MANIFEST_CHILDREN_MAX 1000

/* Parse. `media_type` is what the descriptor or the registry said (may be NULL). ERR_INPUT for wrong types, a
 * mediaType that contradicts, or a document that has both layers and manifests (CVE-2021-41190);
 * ERR_UNSUPPORTED for schema 1 and for media types of other things; ERR_RESOURCE above the limits. Children
 * of any media type are taken. */
MUST_USE struct err *manifest_parse(struct manifest *out, const char *data, size_t len,
                                    const char *media_type, const char *what);
/* An OCI manifest (or of m->media_type, when that is set) of artifactType, config, layers, subject,
 * annotations (sorted by key). New string. */
char *manifest_bytes(const struct manifest *m);
/* An OCI index (or of m->media_type) of manifests, subject, annotations. New string. */
char *manifest_index_bytes(const struct manifest *m);
void manifest_wipe(struct manifest *m);

/* Which child of an index is best for `want`; attestation manifests (unknown/unknown) are skipped; a child
 * without a platform is taken when no other fits. ERR_NOT_FOUND listing
 * the platforms there are. Borrowed from `m`. */
MUST_USE struct err *manifest_choose(const struct manifest *m, const struct platform *want, const char *what,
                                     const struct desc **out);

#endif
