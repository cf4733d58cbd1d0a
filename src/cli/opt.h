/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_CLI_OPT_H
#define LADE_CLI_OPT_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Options. One table for each command says what it takes; the parser, `--help` and the test of the manual
 * pages read the same table. Spellings: "--name value", "--name=value", "-n value", "-nvalue", "-n=value",
 * flags of one letter in one word ("-qD"), options after arguments, and "--" before what is an argument in
 * any case. Names are never cut short.
 */
enum opt_kind {
    OPT_FLAG,    /* bool; "--name=false" too */
    OPT_TEXT,    /* const char *, borrowed from argv; the last one counts */
    OPT_LIST,    /* struct strlist: every use */
    OPT_NUMBER,  /* uint64_t, at most `max` */
    OPT_COUNT,   /* the same, at least 1 */
    OPT_NOTHING, /* a flag that asks for what is so anyway; no place */
    OPT_MISSING, /* an option of buildx that lade does not have: ERR_UNSUPPORTED, but a value equal to `fine`
                    passes */
};

struct opt {
    const char *name;
    char letter; /* 0: none */
    enum opt_kind kind;
    const char *value; /* what the value is called; NULL: takes none */
    const char *help;  /* one sentence without full stop; NULL: not shown */
    size_t place;      /* offset in the command's settings */
    uint64_t max;
    const char *fine;
};

struct opt_group {
    const char *title; /* above the group in the help */
    const struct opt *item;
    size_t count;
};

/* Parse argv[0 .. argc) into `settings`; what is no option goes to `args`. ERR_USAGE, with the nearest name
 * as hint. */
MUST_USE struct err *opt_parse(const struct opt_group *groups, size_t group_count, const char *const *argv,
                               size_t argc, void *settings, struct strlist *args);
/* Free the lists in `settings`. */
void opt_wipe(const struct opt_group *groups, size_t group_count, void *settings);
/* The groups as `--help` shows them, at most OPT_HELP_WIDTH columns. */
void opt_help(const struct opt_group *groups, size_t group_count, struct buf *out);
#define OPT_HELP_WIDTH 80

#endif
