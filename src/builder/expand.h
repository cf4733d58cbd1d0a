/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_EXPAND_H
#define LADE_BUILDER_EXPAND_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Quotes, escapes and variables in the words of a Dockerfile, as BuildKit's shell.Lex handles them: $v ${v}
 * ${v:-w} ${v-w}
 * ${v:+w} ${v+w} ${v:?w} ${v?w} ${v#p} ${v##p} ${v%p} ${v%%p} ${v/p/w} ${v//p/w}, where w is expanded itself
 * and p is a pattern with * and ?.
 *
 * Errors: ERR_INPUT says what is wrong with the word ("v: is not allowed to be unset"), without its place in
 * the file; ERR_RESOURCE when the result is over the limits below. Bytes that are not UTF-8 pass as they are.
 */

/* The environment of an expansion: the value of `name`, borrowed until the expansion ends, or NULL when it is
 * not set. */
struct expand_env {
    const char *(*get)(void *ctx, const char *name);
    void *ctx;
};
/* One over a map (struct strmap *). */
struct expand_env expand_env_map(struct strmap *map);

/* The names that a word asked for, each once, in the order of asking, at most EXPAND_USED_MAX. Adds to what
 * is there; wipe after. */
#define EXPAND_USED_MAX 512
struct expand_used {
    struct strlist set;
    struct strlist unset;
};
void expand_used_wipe(struct expand_used *used);

enum expand_flags {
    EXPAND_RAW_QUOTES = 1,  /* quotes stay in the result */
    EXPAND_RAW_ESCAPES = 2, /* so do escape characters */
    EXPAND_NO_QUOTES = 4,   /* quotes are ordinary characters */
    EXPAND_KEEP_UNSET = 8,  /* a variable that is not set stays as it was written */
    /* The content of a here-document of COPY and ADD; its escape character is always the backslash, and goes.
     */
    EXPAND_HEREDOC = EXPAND_NO_QUOTES,
};

#define EXPAND_GROWTH 64          /* the result has at most this many bytes for each byte of the text */
#define EXPAND_GROWTH_FREE 65536  /* … above this size */
#define EXPAND_SIZE_MAX (1 << 20) /* and in any case */
#define EXPAND_DEPTH_MAX 64       /* ${a:-${b:-…}} */

/* The whole text as one word (BuildKit: ProcessWord): the key and value of ENV and LABEL, the paths of COPY,
 * the one argument of WORKDIR, USER, STOPSIGNAL; FROM; flags. `escape` is '\\' or '`'. `used` may be NULL.
 * New string. */
MUST_USE struct err *expand_word(char **out, const char *text, const struct expand_env *env, char escape,
                                 unsigned flags, struct expand_used *used);

/* The text split at white space that is not quoted, after expansion, so that a variable can give several
 * words or none (BuildKit: ProcessWords): EXPOSE. Appends to `out`. */
MUST_USE struct err *expand_words(struct strlist *out, const char *text, const struct expand_env *env,
                                  char escape, unsigned flags, struct expand_used *used);

#endif
