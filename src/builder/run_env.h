/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_RUN_ENV_H
#define LADE_BUILDER_RUN_ENV_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* The environment of a RUN step's command, but for what mounts add. */
struct run_env_options {
    const struct strmap *stage;      /* the image's environment and the ARGs in scope */
    const struct strmap *build_args; /* what the user gave: proxies among them need no ARG */
    bool has_epoch;
    int64_t epoch;    /* SOURCE_DATE_EPOCH, where the stage does not say another */
    const char *home; /* of the user, where the stage does not say another */
};
/* `env` and `private_env` as in struct run_plan: a proxy's variables, in upper and lower case, decide nothing
 * about what is made and are recorded nowhere. */
void run_env_make(struct strlist *env, struct strlist *private_env, const struct run_env_options *options);

/* Both in one, as a process gets it: what is private wins. */
void run_env_join(struct strlist *out, const struct strlist *env, const struct strlist *private_env);

#endif
