/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#define TRIES_MAX 100
#define JOBS_MAX 1024

const struct opt shared_general_options[] = {
    {"debug", 'D', OPT_FLAG, NULL, "show what lade does in detail", offsetof(struct shared, debug), 0, NULL},
    {"help", 'h', OPT_FLAG, NULL, "show this help", offsetof(struct shared, help), 0, NULL},
};

const struct opt shared_progress_options[] = {
    {"progress", 0, OPT_TEXT, "KIND", "how progress is shown: auto, plain, tty, json or quiet",
     offsetof(struct shared, progress), 0, NULL},
    {"quiet", 'q', OPT_FLAG, NULL, "show no progress", offsetof(struct shared, quiet), 0, NULL},
};

const struct opt shared_store_options[] = {
    {"store", 0, OPT_TEXT, "DIR", "the local store ($LADE_STORE)", offsetof(struct shared, store), 0, NULL},
};

const struct opt shared_registry_options[] = {
    {"authfile", 0, OPT_TEXT, "FILE", "a file of credentials that comes before all others",
     offsetof(struct shared, authfile), 0, NULL},
    {"cert-dir", 0, OPT_TEXT, "DIR", "certificates of registries (*.crt) and of ours (*.cert, *.key)",
     offsetof(struct shared, cert_dir), 0, NULL},
    {"config-file", 0, OPT_TEXT, "FILE", "the configuration file ($LADE_CONFIG)",
     offsetof(struct shared, config), 0, NULL},
    {"insecure-skip-verify", 0, OPT_FLAG, NULL, "do not check the certificates of registries",
     offsetof(struct shared, insecure_skip_verify), 0, NULL},
    {"password-stdin", 0, OPT_FLAG, NULL, "read the password for --username from standard input",
     offsetof(struct shared, password_stdin), 0, NULL},
    {"plain-http", 0, OPT_FLAG, NULL, "talk to registries without TLS", offsetof(struct shared, plain_http),
     0, NULL},
    {"retry-budget", 0, OPT_TEXT, "TIME", "the longest time for all tries of a request (5m)",
     offsetof(struct shared, retry_budget), 0, NULL},
    {"tries", 0, OPT_COUNT, "N", "how often a request is tried (5)", offsetof(struct shared, tries),
     TRIES_MAX, NULL},
    {"username", 'u', OPT_TEXT, "NAME",
     "the user's name at the registry that is named, with --password-stdin",
     offsetof(struct shared, username), 0, NULL},
};

const struct opt shared_time_options[] = {
    {"timeout", 0, OPT_TEXT, "TIME", "the longest time that the whole run may take",
     offsetof(struct shared, timeout), 0, NULL},
};

const struct opt shared_cache_options[] = {
    {"cache", 0, OPT_TEXT, "DIR", "the cache ($LADE_CACHE)", offsetof(struct shared, cache), 0, NULL},
};

const struct opt shared_jobs_options[] = {
    {"jobs", 0, OPT_NUMBER, "N", "how much is done at once; the result is the same",
     offsetof(struct shared, jobs), JOBS_MAX, NULL},
};

const struct opt shared_publish_options[] = {
    {"allow-nondistributable-artifacts", 0, OPT_FLAG, NULL,
     "send layers too that are marked as not to be distributed", offsetof(struct shared, foreign_layers), 0,
     NULL},
    {"if-exists", 0, OPT_TEXT, "WHAT",
     "when a tag names another image: overwrite (the default), skip the tag, or fail",
     offsetof(struct shared, if_exists), 0, NULL},
    {"push-by-digest", 0, OPT_FLAG, NULL, "set no tag in registries: the image is known by its digest",
     offsetof(struct shared, push_by_digest), 0, NULL},
};
