/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_CLI_SESSION_H
#define LADE_CLI_SESSION_H

#include "base/attr.h"
#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "image/event.h"
#include "image/layout.h"
#include "image/platform.h"
#include "registry/registry.h"

/*
 * What one run of a command has open: progress, and on demand the registries and the local store. Wiped last,
 * after everything that came out of it.
 */
struct session {
    const struct shared *shared;
    struct progress *progress;
    struct events events;
    struct registry *registry; /* NULL until asked for */
    char *password;            /* from standard input, or NULL; wiped */
    struct store *layout;      /* NULL until asked for */
    json_t *report;            /* cli/report.h; NULL: nobody asks */
    bool quiet;                /* --quiet or --progress quiet */
    bool json;                 /* --progress json */
};

/* How progress is to be shown. ERR_USAGE. */
MUST_USE struct err *session_progress(const struct shared *shared, enum progress_kind *kind);
/* `shared` is borrowed. ERR_USAGE for values that cannot be. The time of --timeout begins. */
MUST_USE struct err *session_open(struct session *out, const struct shared *shared);
/* --timeout: the time that the run may take begins. For commands that open no session. */
MUST_USE struct err *session_timeout(const struct shared *shared);
/* Both borrowed. The store is opened once; its first mode holds. */
MUST_USE struct err *session_registry(struct session *s, struct registry **out);
MUST_USE struct err *session_layout(struct session *s, enum layout_mode mode, struct store **out);
/* Tell what came out, on standard error, after the progress has ended. */
void session_say(const struct session *s, const char *format, ...) PRINTF(2, 3);
/* End the progress, before results are written. */
void session_quiet(struct session *s);
void session_wipe(struct session *s);

/* Go on as root of a user namespace with the user's subordinate ids: the command line runs again there, and
 * this process only waits for it. Before session_open. */
MUST_USE struct err *session_enter_range(const struct shared *shared);

/* $LADE_CACHE, else $XDG_CACHE_HOME/lade, else ~/.cache/lade, or what the command line says; made when
 * absent, 0700. New string. */
MUST_USE struct err *session_cache_path(const struct session *s, char **out);

/* Keep the cache below its limit (builder/usage.h), when the work is done. Says nothing and never fails. */
void session_limit_cache(struct session *s);

/* ERR_USAGE when standard output is a terminal, which bytes of an archive would upset. */
MUST_USE struct err *session_check_stdout(void);

/* A file that the user named, "-" for standard output: it appears at commit, but what is there and no regular
 * file is written to. ERR_USAGE when `binary` and standard output is a terminal. */
MUST_USE struct err *session_file(const struct session *s, const char *path, bool binary, struct sink **out);
/* The same, for a text as a whole. */
MUST_USE struct err *session_write_file(const struct session *s, const char *path, const char *text);

/* The mode of directories that the user asked for: 0777 without the bits of the caller's umask. */
mode_t session_dir_mode(const struct session *s);

/* --platform: one. NULL and "" give an unset one. ERR_UNSUPPORTED for several. */
MUST_USE struct err *session_platform(struct platform *out, const char *text);

#endif
