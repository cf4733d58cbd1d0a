/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_DOCKERFILE_H
#define LADE_BUILDER_DOCKERFILE_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "base/diag.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A Dockerfile as it was read (BuildKit's parser and instructions packages): directives, instructions, their
 * flags and arguments, each with its place in the source. Nothing is expanded: words are raw, with quotes and
 * escapes, and the driver gives them to expand_word or expand_words. Everything is owned by the struct that
 * holds it.
 */

#define DOCKERFILE_SIZE_MAX (1 << 20)
#define DOCKERFILE_LINE_MAX 65535 /* bytes of one line, without its newline, as BuildKit limits it */
#define DOCKERFILE_ITEMS_MAX 10000

enum instr_kind {
    INSTR_UNKNOWN, /* a mistake was reported */
    INSTR_ADD,
    INSTR_ARG,
    INSTR_CMD,
    INSTR_COPY,
    INSTR_ENTRYPOINT,
    INSTR_ENV,
    INSTR_EXPOSE,
    INSTR_FROM,
    INSTR_HEALTHCHECK,
    INSTR_LABEL,
    INSTR_MAINTAINER,
    INSTR_ONBUILD,
    INSTR_RUN,
    INSTR_SHELL,
    INSTR_STOPSIGNAL,
    INSTR_USER,
    INSTR_VOLUME,
    INSTR_WORKDIR,
};

struct word {
    char *text; /* NULL: absent */
    struct span at;
};
struct word_list {
    struct word *item;
    size_t count;
    size_t room;
};

/* A flag as it was written, quotes and escapes removed: --mount=type=cache is name "mount", value
 * "type=cache". */
struct flag {
    struct word name;
    struct word value; /* text NULL when there was no '=' */
};
struct flag_list {
    struct flag *item;
    size_t count;
    size_t room;
};

/* ARG, ENV, LABEL. */
struct pair {
    struct word key;
    struct word value; /* ARG without a default: text NULL */
    bool legacy;       /* `ENV key value`: the rest of the line is the value */
};
struct pair_list {
    struct pair *item;
    size_t count;
    size_t room;
};

struct heredoc {
    char *name;    /* the delimiter without quotes */
    char *content; /* the lines with their newlines; leading tabs still there: see heredoc_text */
    struct span at;
    bool expand; /* no part of the delimiter was quoted */
    bool chomp;  /* <<- */
    unsigned fd; /* of `3<<EOF`; 0 when not given */
};
struct heredoc_list {
    struct heredoc *item;
    size_t count;
    size_t room;
};

/* FROM [--platform=P] image [AS name]. */
struct instr_from {
    struct word image;
    struct word platform; /* text NULL when not given */
    struct word name;     /* lower case; text NULL when not given */
};

/* COPY and ADD. A here-document among the sources is a file of its own. */
struct copy_inline {
    char *name;    /* file name (the delimiter), not expanded */
    char *content; /* leading tabs already removed for <<- */
    bool expand;   /* to be expanded with EXPAND_HEREDOC */
    struct span at;
};
enum flag_bool { FLAG_NOT_GIVEN, FLAG_FALSE, FLAG_TRUE };
struct instr_copy {
    struct word_list source; /* paths, patterns, URLs */
    struct copy_inline *inline_file;
    size_t inline_count;
    size_t inline_room;
    struct word dest;
    /* Flags; text NULL when not given. */
    struct word from;  /* COPY only; BuildKit does not expand it */
    struct word chown; /* expanded, as chmod and checksum are */
    struct word chmod;
    struct word checksum;     /* ADD only */
    struct word_list exclude; /* not expanded */
    bool link;
    bool parents;                /* COPY only */
    enum flag_bool keep_git_dir; /* ADD only */
    enum flag_bool unpack;       /* ADD only */
};

/* HEALTHCHECK. Times in nanoseconds, 0 when not given. `test` is as the config has it: {"NONE"}, {"CMD", …},
 * {"CMD-SHELL", "…"}. Nothing is expanded. */
struct instr_health {
    struct strlist test;
    int64_t interval_ns;
    int64_t timeout_ns;
    int64_t start_period_ns;
    int64_t start_interval_ns;
    int64_t retries;
};

struct instr;

/* ONBUILD. */
struct instr_onbuild {
    char *text;            /* what the config's OnBuild gets, here-documents included */
    struct instr *trigger; /* its parsed form; NULL when it is not valid, which is only a warning */
};

struct instr {
    enum instr_kind kind;
    bool broken;           /* a mistake was reported; only kind, at, name and text are to be relied on */
    bool json;             /* the arguments were a JSON list */
    struct span at;        /* from its name to the last byte before the here-documents */
    unsigned end_line;     /* the last line, here-documents included */
    struct word name;      /* as it was written: "run" */
    char *text;            /* the logical line without white space around it: history and messages */
    char *comment;         /* the last comment line directly above, or NULL */
    struct flag_list flag; /* all flags in order; the known ones are in the parts below too */
    /*
     * RUN CMD ENTRYPOINT: the JSON list, or one word with the shell's command line; none when there was
     * nothing. SHELL: the list. EXPOSE: the words, sorted by bytes as BuildKit sorts them. VOLUME: the paths,
     * trimmed. USER WORKDIR STOPSIGNAL MAINTAINER: one word. ADD COPY: all words; see `copy`. FROM: see
     * `from`.
     */
    struct word_list arg;
    struct heredoc_list heredoc; /* RUN ADD COPY; a copy of its trigger's for ONBUILD */
    struct instr_from from;
    struct instr_copy copy;
    struct word_list mount_from; /* RUN: the stages and images that --mount=…,from= names, in order */
    struct pair_list pair;       /* ARG ENV LABEL */
    struct instr_health health;
    struct instr_onbuild onbuild;
};

struct dockerfile {
    char escape;        /* '\\' or '`' */
    struct word syntax; /* `# syntax=`: recorded and ignored; text NULL when not given */
    struct word check;  /* `# check=`: already applied to the diag */
    struct instr *item;
    size_t count;
    size_t room;
};

/* Read a whole Dockerfile. Mistakes and warnings go to `diag` (made by diag_init over the same bytes);
 * instructions with mistakes are kept and marked broken, so that the driver can look for more mistakes before
 * diag_error ends it all. */
void dockerfile_parse(struct dockerfile *out, const char *data, size_t len, struct diag *diag);
void dockerfile_wipe(struct dockerfile *file);

/* Read one instruction that stands alone: an ONBUILD trigger of a base image's config. The escape character
 * is the backslash. ERR_INPUT when it is not exactly one valid instruction, or is one that cannot be a
 * trigger. */
MUST_USE struct err *dockerfile_parse_trigger(struct instr *out, const char *text);
void instr_wipe(struct instr *instr);
void instr_free(struct instr *instr); /* of the heap */
AUTO_DEFINE(struct instr *, instr_free)

const char *instr_name(enum instr_kind kind); /* "COPY" */

/* The content of a here-document as a file gets it: without leading tabs when it was <<-. New string. */
char *heredoc_text(const struct heredoc *doc);

/* Print as a Dockerfile that reads back the same. */
void dockerfile_print(const struct dockerfile *file, struct buf *out);

#endif
