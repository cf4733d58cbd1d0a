/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_COPY_H
#define LADE_BUILDER_COPY_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "builder/ignore.h"
#include "layers/spool.h"
#include "layers/tree.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The COPY and ADD steps as an operation on trees: what is selected in `from` is put into `layer`, as
 * BuildKit puts it over the files of `stage`. File contents are not read (but archives that ADD unpacks, and
 * passwd and group for --chown by name): nodes refer to where the content is. CONTENT_LAYER content that
 * comes out refers to the layers of `from`.
 */

/* A here-document: becomes a file of mode 0644. */
struct copy_document {
    const char *name;
    const char *content;
    size_t content_len;
};

struct copy_step {
    struct tree *from;  /* where the sources are looked up; NULL when there are here-documents only */
    struct tree *stage; /* the stage as built so far; NULL: nothing yet. Only looked at */
    const struct strlist *sources; /* expanded; may have wildcards */
    const struct copy_document *documents;
    size_t document_count;
    const char *dest;               /* expanded */
    const char *workdir;            /* absolute; NULL: "/" */
    const char *chown;              /* expanded; NULL or "": not given */
    const char *chmod;              /* likewise */
    const struct strlist *excludes; /* NULL: none */
    bool parents;
    bool link;   /* do not look at the stage's files at all: what is above the destination is made anew */
    bool add;    /* ADD: URLs and git references are told from paths and are ERR_UNSUPPORTED */
    bool unpack; /* ADD: local archives, told by content, are unpacked */
    bool from_context;           /* `from` is the context: owners become 0:0, times become exactly `epoch` */
    const struct ignore *ignore; /* of the context, for hints; may be NULL */
    /* In seconds. What comes from a stage or an archive and is later becomes this. Also the time of what has
     * none (new parent directories, here-documents), even with keep_times: then it is the present. */
    int64_t epoch;
    bool keep_times;     /* otherwise leave times as they are */
    struct spool *spool; /* for the contents of archives; needed with `unpack` */
    const char *what;    /* for messages: "COPY a b /c" */
};

/* Fill `layer` (fresh) with what the step adds or changes. Directories that the stage has already are
 * implicit there, unless the step changes their metadata. ERR_NOT_FOUND names the source that is absent, with
 * a hint when the ignore file hides it; ERR_INPUT for what BuildKit refuses (a file over a directory, a
 * directory over a file, a bad --chown or --chmod); ERR_UNSUPPORTED for remote sources. A wildcard
 * that matches nothing is no error. */
MUST_USE struct err *copy_plan(const struct copy_step *step, struct tree *layer);

/* Is the text a source that is no path: an http(s) URL or a git reference, as ADD tells them? */
bool copy_is_remote(const char *source);

#endif
