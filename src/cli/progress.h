/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_CLI_PROGRESS_H
#define LADE_CLI_PROGRESS_H

#include "base/attr.h"
#include "base/err.h"
#include "image/event.h"

/*
 * Events as people see them, on standard error: plain lines (one for each thing that happened), a view that
 * is redrawn in place on a terminal, JSON for programs (doc/progress.md), or nothing. All text is escaped
 * here. Steps and transfers get numbers in the order in which they begin. Any thread may send events.
 */
enum progress_kind { PROGRESS_AUTO, PROGRESS_PLAIN, PROGRESS_TTY, PROGRESS_JSON, PROGRESS_QUIET };

/* "auto", "plain", "tty", "json", "quiet"; NULL and "" are auto. ERR_USAGE; ERR_UNSUPPORTED for "rawjson" and
 * "none".
 */
MUST_USE struct err *progress_kind_parse(enum progress_kind *out, const char *text);

struct progress;
/* Writes to `fd`, borrowed. PROGRESS_AUTO is tty on a terminal that can do it, else plain. */
struct progress *progress_new(enum progress_kind kind, int fd);
struct events progress_events(struct progress *p);
/* Say that what is still open has ended, and stop the live view. */
void progress_free(struct progress *p);
AUTO_DEFINE(struct progress *, progress_free)

/* With PROGRESS_JSON, after the progress has ended: a note; without a newline, new string. */
char *progress_json_note(const char *text);
/* With PROGRESS_JSON the last line, which says how the run ended: without a newline, new string. */
char *progress_json_end(const struct err *e);

#endif
