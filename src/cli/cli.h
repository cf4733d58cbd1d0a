/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_CLI_CLI_H
#define LADE_CLI_CLI_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/opt.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * The commands. Each stands in a file cmd_NAME.c with its table of options, a struct of settings that the
 * table fills, and a function that does the work with the parts below. Standard output carries results only;
 * all else goes to standard error.
 */

/* What several commands take. The first member of every command's settings. */
struct shared {
    int argc; /* the program's whole command line */
    const char *const *argv;
    mode_t file_mode; /* of files that the user asked for: 0666 without the bits of the caller's umask */
    bool help, debug;
    bool quiet;
    const char *progress;
    const char *store, *cache;
    const char *authfile, *cert_dir;
    const char *username;
    bool password_stdin;
    char *login_host; /* the registry that they are for (cli/user.h); owned */
    bool plain_http, insecure_skip_verify;
    uint64_t tries;
    const char *retry_budget, *timeout;
    const char *config;
    uint64_t jobs;
    const char *if_exists;
    bool push_by_digest, foreign_layers;
};

struct command {
    const char *name;
    const char *arguments; /* after "lade NAME [OPTION]…" */
    const char *summary;   /* one line */
    const struct opt_group *groups;
    size_t group_count;
    size_t settings_size;
    size_t args_min, args_max; /* SIZE_MAX: any number */
    struct err *(*run)(void *settings, const struct strlist *args);
    /* The registries that the command line names, for --username; NULL: those of the arguments docker://… */
    struct err *(*registries)(const void *settings, const struct strlist *args, struct strlist *out);
};

extern const struct command cmd_build;
extern const struct command cmd_push;
extern const struct command cmd_pull;
extern const struct command cmd_copy;
extern const struct command cmd_inspect;
extern const struct command cmd_ls;
extern const struct command cmd_tag;
extern const struct command cmd_rm;
extern const struct command cmd_referrers;
extern const struct command cmd_du;
extern const struct command cmd_prune;
extern const struct command cmd_verify;
extern const struct command cmd_login;
extern const struct command cmd_logout;
extern const struct command cmd_auth;
extern const struct command cmd_doctor;

/* Groups that commands put into their tables (shared.c). */
extern const struct opt shared_general_options[2];
extern const struct opt shared_progress_options[2];
extern const struct opt shared_store_options[1];
extern const struct opt shared_registry_options[9];
extern const struct opt shared_time_options[1];
extern const struct opt shared_cache_options[1];
extern const struct opt shared_jobs_options[1];
extern const struct opt shared_publish_options[3];
#define SHARED_GROUP(title, options)           \
    {                                          \
        (title), (options), ARRAY_LEN(options) \
    }
#define SHARED_GENERAL SHARED_GROUP("General", shared_general_options)
#define SHARED_PROGRESS SHARED_GROUP("Progress", shared_progress_options)
#define SHARED_STORE SHARED_GROUP("Local store", shared_store_options)
#define SHARED_REGISTRY SHARED_GROUP("Registry", shared_registry_options)
#define SHARED_TIME SHARED_GROUP("Time", shared_time_options)
#define SHARED_CACHE SHARED_GROUP("Cache", shared_cache_options)
#define SHARED_JOBS SHARED_GROUP("Work in parallel", shared_jobs_options)
#define SHARED_PUBLISH SHARED_GROUP("Publishing", shared_publish_options)

const struct command *const *cli_commands(size_t *count);
/* argv[0] is the program. `file_mode` as in struct shared. Prints help and version itself. *told: the error
 * was shown already. */
MUST_USE struct err *cli_run(int argc, const char *const *argv, mode_t file_mode, bool *told);
/* The text of `lade help NAME`. */
void cli_help(const struct command *c, struct buf *out);

#endif
