/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_STEPRECORD_H
#define LADE_BUILDER_STEPRECORD_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "image/desc.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What is remembered of one RUN: all that decided what it made, by name, and what that was. The key is the
 * SHA-256 of the first part as it is written, so a record proves itself whose result it is; nothing in it
 * depends on the machine, the user or where the context lies. Format step/1, doc/formats.md.
 */
struct step_input {
    char *name; /* "env PATH", "layer 3", "mount 1 files" */
    bool digested;
    char *value; /* bytes; of long ones (`digested`) "sha256:…" */
    size_t len;
};

/* The layer as a blob. */
struct step_form {
    char *id; /* what its bytes depend on besides the files: "lade-deflate/1 default" */
    struct desc desc;
};

struct step_record {
    struct step_input *input;
    size_t input_count, input_room;

    bool has_layer; /* else the command changed nothing */
    struct digest diff_id;
    int64_t created; /* seconds since 1970, for people and pruning */
    struct step_form *form;
    size_t form_count, form_room;
};

#define STEPRECORD_MAX ((size_t)4 << 20) /* bytes of a record */
#define STEPRECORD_TEXT_MAX 1024         /* of a value; longer ones are digested */
#define STEPRECORD_FORMS_MAX 16
#define STEPRECORD_ANNOTATIONS_MAX 16

/* One more input. Any bytes; the order counts. */
void steprecord_add(struct step_record *r, const char *name, const void *value, size_t len);
void steprecord_add_text(struct step_record *r, const char *name, const char *value); /* NULL is "" */
/* The input of that name, or NULL. */
const struct step_input *steprecord_input(const struct step_record *r, const char *name);
/* The key: of the inputs only. ERR_RESOURCE when they are more than a record holds. */
MUST_USE struct err *steprecord_key(const struct step_record *r, struct digest *key);

/* The form of that id, or NULL. */
const struct step_form *steprecord_form(const struct step_record *r, const char *id);
/* Add or replace it; the oldest goes when there are too many. */
void steprecord_set_form(struct step_record *r, const char *id, const struct desc *desc);
void steprecord_clear_forms(struct step_record *r);

MUST_USE struct err *steprecord_encode(const struct step_record *r, struct buf *out);
/* ERR_INPUT unless the bytes are exactly a record with this key (NULL: any). */
MUST_USE struct err *steprecord_decode(struct step_record *out, const struct digest *key, const void *data,
                                       size_t len);
void steprecord_copy(struct step_record *to, const struct step_record *from); /* `to` is wiped first */
void steprecord_wipe(struct step_record *r);

#endif
