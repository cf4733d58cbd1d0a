/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_CLI_PLACE_H
#define LADE_CLI_PLACE_H

#include "base/attr.h"
#include "base/err.h"
#include "image/ref.h"

/*
 * Where an image is, as commands take it:
 *
 *     app:1, sha256:…        in the local store
 *     docker://REF           in a registry
 *     oci:DIR[:TAG]          an OCI layout in a directory
 *     oci-archive:FILE[:TAG], docker-archive:FILE[:REF]
 *     -                      standard input or output: an archive
 *
 * A path ends at its first ":", as with skopeo.
 */
enum place_kind { PLACE_STORE, PLACE_REGISTRY, PLACE_OCI_DIR, PLACE_OCI_ARCHIVE, PLACE_DOCKER_ARCHIVE };

struct place {
    enum place_kind kind;
    char *shown;    /* as it was written, made safe */
    struct ref ref; /* PLACE_STORE (a digest alone: without registry), PLACE_REGISTRY */
    char *path;     /* the others; "-": standard input or output */
    char *tag;      /* of the others; NULL: none given */
};

/* ERR_INPUT for what is no reference; ERR_USAGE for another transport or an empty path. */
MUST_USE struct err *place_parse(struct place *out, const char *text);
/* May an image be written under this name? ERR_INPUT for a tag of an OCI layout that the grammar of
 * org.opencontainers.image.ref.name (image-spec annotations.md) does not have: other tools refuse to read it.
 */
MUST_USE struct err *place_check_target(const struct place *p);
/* A reference, with or without "docker://": for commands whose meaning is the registry. */
MUST_USE struct err *place_parse_ref(struct ref *out, const char *text);
/* "docker://HOST", with or without a "/" behind it: a registry, of which `repository` stays NULL; what has a
 * dot or a colon, and "localhost", is a host. Or "docker://REPOSITORY". ERR_USAGE for other places, and when
 * there is a tag or a digest. */
MUST_USE struct err *place_parse_repository(struct ref *out, const char *text);
/* Is there a tag or a digest in it? Where there is none, references mean ":latest". */
bool place_has_tag(const char *text);
/* What an image is called in the local store. New string. */
char *place_store_name(const struct ref *ref);
void place_wipe(struct place *p);

#endif
