/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_LEX_H
#define LADE_BUILDER_LEX_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/str.h"
#include "base/diag.h"
#include "builder/dockerfile.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * The bytes of a Dockerfile as logical lines: directives read, comments left out, continued lines joined.
 * Works on the caller's bytes, which must stay. Mistakes go to the diag.
 */

/* Where a part of a logical line comes from. */
struct lex_piece {
    size_t offset; /* in the logical line */
    unsigned line;
    unsigned column;
};

struct logical {
    struct buf text;
    struct lex_piece *piece;
    size_t piece_count;
    size_t piece_room;
    unsigned first_line;
    unsigned last_line;
    bool has_empty_line;     /* an empty line stands in a continuation */
    struct strlist comments; /* directly above, since the last instruction, trimmed */
};

struct lex {
    const char *data;
    size_t len;
    size_t at;
    unsigned line; /* how many were read */
    bool directives_done;
    unsigned directives_seen; /* bits */
    bool shebang;
    bool stopped;            /* after a mistake that makes the rest meaningless */
    bool continues;          /* the line read last did not end its logical line */
    struct dockerfile *file; /* gets the directives */
    struct diag *diag;
};

/* Ready to read; a byte order mark is passed over. Refuses a NUL byte and what is over the limits of
 * dockerfile.h. */
void lex_init(struct lex *lex, const char *data, size_t len, struct dockerfile *file, struct diag *diag);

/* The next logical line that is not empty; false at the end. `line` is zeroed before its first use and can be
 * used again. */
bool lex_next(struct lex *lex, struct logical *line);

/* The lines up to one that is `name` alone (after its leading tabs when `chomp`), appended with their
 * newlines. False when there is no such line: everything was read then. */
bool lex_heredoc(struct lex *lex, const char *name, bool chomp, struct buf *content);

/* The place of the bytes from `from` to `to` of a logical line. */
struct span logical_span(const struct logical *line, size_t from, size_t to);
void logical_wipe(struct logical *line);

#endif
