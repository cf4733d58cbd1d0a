/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_CLI_OUTPUT_H
#define LADE_CLI_OUTPUT_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "image/mediatype.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * What `lade build -o` asks for, in buildx's words: "type=oci,dest=app.tar", a directory, or "-". Keys that
 * lade does not have are ERR_UNSUPPORTED, others ERR_USAGE.
 */
enum output_kind {
    OUTPUT_IMAGE,  /* to the local store (image, registry, and docker without dest) */
    OUTPUT_OCI,    /* an OCI layout, in a tar or a directory */
    OUTPUT_DOCKER, /* what docker load reads */
    OUTPUT_TAR,    /* the files, in a tar */
    OUTPUT_LOCAL,  /* the files, in a directory */
};

/* How layers are compressed. */
struct output_form {
    enum mediatype_compression compression; /* COMPRESSION_UNKNOWN: not said */
    bool estargz;                           /* of gzip: for lazy pulling (layers/estargz.h) */
};

struct output {
    enum output_kind kind;
    char *dest;           /* NULL: OUTPUT_IMAGE; "-": standard output */
    struct strlist names; /* as --tag */
    bool push;
    bool directory; /* OUTPUT_OCI: tar=false */
    struct output_form form;
    const char *level;         /* NULL: not said; borrowed from `fields` */
    struct strmap annotations; /* of the manifest */
    struct strlist fields;
};

MUST_USE struct err *output_parse(struct output *out, const char *text);
void output_wipe(struct output *o);

/* "gzip", "zstd", "estargz", "uncompressed". `option` names where it was said. */
MUST_USE struct err *output_compression(struct output_form *out, const char *text, const char *option);

struct outputs {
    struct output *item;
    size_t count, room;
};
MUST_USE struct err *outputs_parse(struct outputs *out, const struct strlist *texts);
void outputs_wipe(struct outputs *o);

#endif
