/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_CLI_USER_H
#define LADE_CLI_USER_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/cli.h"

/*
 * --username with --password-stdin: for the one registry that the command line names, and for no other that
 * the command may talk to on the way (a base image's, where a blob was left).
 */

/* Which registry that is goes to shared->login_host, after the options were parsed; nothing is read.
 * ERR_USAGE when one option lacks the other, when no registry is named or several are, and when standard
 * input is wanted for something else. */
MUST_USE struct err *user_check(const struct command *c, struct shared *shared, const struct strlist *args);
/* The password, from standard input; NULL without the option. New string; wipe it. */
MUST_USE struct err *user_password(const struct shared *shared, char **out);

/* For struct command's `registries`: all arguments are references. */
MUST_USE struct err *user_registries_of_refs(const void *settings, const struct strlist *args,
                                             struct strlist *out);

#endif
