/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_PARSE_H
#define LADE_BUILDER_PARSE_H

#include "base/attr.h"
#include "base/diag.h"
#include "builder/dockerfile.h"
#include "builder/lex.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Inside of dockerfile_parse: the pieces that read one instruction. A part is a piece of the logical line, so
 * that its place in the source is known; the functions that make words keep that place.
 */

struct part {
    const char *text;
    size_t len;
};

struct parse {
    struct dockerfile *file;
    struct diag *diag;
    struct lex *lex;
    const struct logical *line;
    struct instr *instr; /* being filled */
    bool trigger;        /* it stands behind ONBUILD */
};

struct part part_trim(struct part p);
bool part_is(struct part p, const char *text); /* ASCII case does not count */
struct span part_span(const struct parse *p, struct part part);
struct word part_word(const struct parse *p, struct part part);
void word_list_add(struct word_list *list, struct word word_take);

/* A mistake in the instruction, which becomes broken. Behind ONBUILD BuildKit looks for such mistakes only
 * when the trigger is used: there it is a warning. */
void parse_mistake(struct parse *p, struct span at, const char *expected, const char *hint,
                   const char *format, ...) PRINTF(5, 6);
/* A mistake that BuildKit finds behind ONBUILD too. */
void parse_mistake_always(struct parse *p, struct span at, const char *expected, const char *hint,
                          const char *format, ...) PRINTF(5, 6);

/* Words: split at white space that is neither quoted nor escaped; quotes and escapes stay. */
void parse_words(const struct parse *p, struct part part, struct word_list *out);
/* Fields: split at blanks, whatever they stand in. */
void parse_fields(const struct parse *p, struct part part, struct word_list *out);
/* The first field and the rest; false when there is nothing behind the first. */
bool part_split(struct part part, struct part *first, struct part *rest);

/* Take the flags off the beginning: into instr->flag, unquoted. What follows them, trimmed. */
struct part parse_take_flags(struct parse *p, struct part part);

enum flag_type { FLAG_IS_TEXT, FLAG_IS_LIST, FLAG_IS_BOOL };
struct flag_spec {
    const char *name;
    enum flag_type type;
};
#define FLAG_SPECS_MAX 8
/* Check instr->flag against the known ones. */
void parse_check_flags(struct parse *p, const struct flag_spec *specs);
/* The value of a flag, the last one given, or NULL. A bool: whether it is given and true. */
const struct word *flag_text(const struct instr *instr, const char *name);
enum flag_bool flag_bool(const struct instr *instr, const char *name);
/* A copy of it, text NULL when it is not given. */
struct word flag_word(const struct instr *instr, const char *name);

enum json_form { JSON_NONE, JSON_LIST, JSON_MIXED, JSON_NUL };
/* A JSON list of strings into `out`. JSON_NONE: it is no valid JSON list; JSON_MIXED: it has other things
 * than strings. */
enum json_form parse_json_list(const struct parse *p, struct part part, struct word_list *out);

/* Arguments into instr->arg: a JSON list, or else the whole text as one word, or fields. */
void parse_json_or_text(struct parse *p, struct part part);
void parse_json_or_fields(struct parse *p, struct part part);

/* One for each kind of instruction: what follows the flags. */
void parse_arg(struct parse *p, struct part rest);
void parse_command(struct parse *p, struct part rest); /* CMD ENTRYPOINT RUN */
void parse_env(struct parse *p, struct part rest);     /* ENV LABEL */
void parse_expose(struct parse *p, struct part rest);
void parse_from(struct parse *p, struct part rest);
void parse_health(struct parse *p, struct part rest);
void parse_one_text(struct parse *p, struct part rest); /* MAINTAINER STOPSIGNAL USER WORKDIR */
void parse_onbuild(struct parse *p, struct part rest);
void parse_shell(struct parse *p, struct part rest);
void parse_volume(struct parse *p, struct part rest);
void parse_copy(struct parse *p, struct part rest); /* ADD COPY */
/* Once the here-documents are there. */
void parse_copy_sources(struct parse *p);

/* One instruction into p->instr, reading its here-documents from the lexer. */
void parse_instruction(struct parse *p, struct part text);

/* The here-documents that a logical line announces, appended to `out` without content. */
void heredocs_find(struct parse *p, struct heredoc_list *out);
/* Is this word a here-document, as `3<<-'EOF'`? Name and properties to *out when it is; false also when its
 * quotes are not closed. */
bool heredoc_parse(const char *word, struct heredoc *out);
void heredoc_list_wipe(struct heredoc_list *list);

#endif
