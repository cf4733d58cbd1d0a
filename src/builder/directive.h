/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_DIRECTIVE_H
#define LADE_BUILDER_DIRECTIVE_H

#include "base/attr.h"
#include "base/str.h"
#include "builder/lex.h"

#include <stdbool.h>
#include <stddef.h>

/* Parser directives: `# syntax=`, `# escape=`, `# check=`, in the comments at the very top. */

/* Read a line that may be one, without its newline and leading white space, into lex->file and lex->diag.
 * False when it is none, which ends the directives. */
bool directive_read(struct lex *lex, const char *text, size_t len);

/* The rules of a `check` directive, "skip=A,B;error=true", added to `skip`; false when it is not valid. */
bool directive_check(const char *value, struct strlist *skip, bool *fatal);

/* The rules that a comment "check=skip=…" above an instruction switches off; false when it is no such
 * comment. */
bool directive_check_comment(const char *comment, struct strlist *skip);

#endif
