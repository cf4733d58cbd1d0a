/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_RUN_COMMAND_H
#define LADE_BUILDER_RUN_COMMAND_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "builder/dockerfile.h"

/* What a RUN instruction starts: the JSON list as it is, or the shell with the command line. A lone
 * here-document is the command line itself, or, where it begins with "#!", a program of its own; others are
 * put back behind the line, for the shell to read. */

#define RUN_SCRIPT_FOLDER "/dev/pipes" /* where a here-document that is a program stands */

struct run_command {
    struct strlist argv;
    char *script_name; /* the file in RUN_SCRIPT_FOLDER, mode 0755, or NULL */
    char *script;      /* its text */
};
/* `shell` is SHELL's list; empty: /bin/sh -c. ERR_INPUT for an empty list. */
MUST_USE struct err *run_command_make(struct run_command *out, const struct instr *instr,
                                      const struct strlist *shell);
void run_command_wipe(struct run_command *command);

/* The history entry's text: "RUN |1 ARG=value /bin/sh -c command # buildkit". `args` are the names of the
 * ARGs in scope, whose values `env` has. New string. */
char *run_command_history(const struct strlist *argv, const struct strlist *args, const struct strmap *env);

#endif
