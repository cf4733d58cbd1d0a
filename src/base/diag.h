/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BASE_DIAG_H
#define LADE_BASE_DIAG_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * What is wrong, or doubtful, in a file that somebody wrote (a Dockerfile, the configuration): a list that
 * parsing fills, so that all mistakes are reported in one go. Each is shown with its source line:
 *
 *     Dockerfile:3:1: unknown instruction "COPPY"
 *        3 | COPPY a b
 *          | ^~~~~
 *        hint: did you mean COPY?
 *
 * A warning carries the name of a rule, as BuildKit names it ("LegacyKeyValueFormat"); the rules that a `#
 * check=skip=…` directive or the caller switched off are not added. Foreign text is made safe here: hand it
 * over as it is.
 */

/* A part of the source. Lines and columns count from 1, columns in bytes; the end is after the last byte.
 * Zero: nowhere. */
struct span {
    unsigned line;
    unsigned column;
    unsigned end_line;
    unsigned end_column;
};

struct diag_item {
    struct span at;
    const char *rule; /* a warning's rule, a constant; NULL: a mistake */
    char *message;
    char *expected; /* shown behind "expected ", or NULL */
    char *hint;     /* what to do, or NULL */
};

/* Rules that a `# check=skip=…` comment above an instruction switches off for its lines. */
struct diag_quiet {
    unsigned first_line;
    unsigned last_line;
    struct strlist rules;
};

struct diag {
    char *file;   /* as the user knows it: "Dockerfile" */
    char *source; /* the bytes, for showing lines */
    size_t source_len;
    struct diag_item *item; /* in the order they were found */
    size_t count;
    size_t room;
    size_t
        mistakes; /* how many of them are mistakes; those beyond DIAG_MISTAKES_MAX are counted but not kept */
    size_t warnings;
    struct diag_quiet *quiet;
    size_t quiet_count;
    size_t quiet_room;
    struct strlist skip; /* rules that are switched off; "all" switches off every one */
    bool over_limit;     /* diag_limit was called */
    bool warnings_fatal; /* `# check=error=true`: diag_error counts warnings as mistakes */
};

#define DIAG_MISTAKES_MAX 100
#define DIAG_WARNINGS_MAX 200

/* Both texts are copied. */
void diag_init(struct diag *d, const char *file, const char *source, size_t source_len);
void diag_wipe(struct diag *d);

/* A mistake. `expected` and `hint` may be NULL; they are copied. */
void diag_mistake(struct diag *d, struct span at, const char *expected, const char *hint, const char *format,
                  ...) PRINTF(5, 6);
/* A limit that the file is over: a mistake that makes the whole error ERR_RESOURCE. */
void diag_limit(struct diag *d, struct span at, const char *format, ...) PRINTF(3, 4);
/* An error of kind ERR_INPUT that something else found; takes it over, with its hint. NULL is nothing. */
void diag_mistake_err(struct diag *d, struct span at, struct err *cause_take);
/* A warning of a rule; the same rule with the same message at the same line is added once. */
void diag_warn(struct diag *d, struct span at, const char *rule, const char *format, ...) PRINTF(4, 5);

/* Switch rules off for some lines; `rules` is copied. */
void diag_quiet(struct diag *d, unsigned first_line, unsigned last_line, const struct strlist *rules);

/* One error that shows all mistakes in the order of their lines: ERR_INPUT, or ERR_RESOURCE when a limit is
 * among them; NULL when there is none. */
MUST_USE struct err *diag_error(const struct diag *d);

/* Put the items in the order of their lines; how they were found may depend on who was faster. */
void diag_sort(struct diag *d);

/* The block of one item, without a newline at its end, appended. */
void diag_show(const struct diag *d, const struct diag_item *item, struct buf *out);
/* For an event of one line: "LegacyKeyValueFormat: … (Dockerfile:3)". New string. */
char *diag_line(const struct diag *d, const struct diag_item *item);

/* From the beginning of `from` to the end of `to`. */
struct span span_join(struct span from, struct span to);

#endif
