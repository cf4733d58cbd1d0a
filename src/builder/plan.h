/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_PLAN_H
#define LADE_BUILDER_PLAN_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "base/diag.h"
#include "builder/dockerfile.h"
#include "image/platform.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * What a Dockerfile asks for, before anything is built: its stages, the values of the arguments before the
 * first FROM, which stages the target needs. All mistakes that can be seen without building go to the diag.
 */
struct stage_plan {
    unsigned number; /* from 0 */
    const struct instr *from;
    const struct instr *first; /* its instructions: first[0 … count-1] */
    size_t count;
    const char *name; /* borrowed from the instruction, or NULL */
    char *base;       /* FROM's image word, expanded */
    int base_stage;   /* the number of an earlier stage, or -1: an image or scratch */
    bool scratch;
    struct platform platform; /* of --platform, expanded; else not set */
    bool needed;
    bool result; /* the target, or what it stands on: its layers are the image's */
};

struct plan {
    const struct dockerfile *file;
    struct diag *diag;
    struct strmap global_args; /* platform arguments and ARGs before FROM, with their values */
    struct strmap build_args;  /* what the user gave */
    struct strlist declared;   /* names that some ARG declares */
    struct platform platform;  /* the target's */
    struct stage_plan *stage;
    size_t count, room;
    struct stage_plan *target;
};

struct plan_options {
    const struct strmap *build_args;
    struct platform platform; /* set */
    const char *target;       /* or NULL */
};

/* Fill `out` and report mistakes to `diag`; `file` and `diag` are borrowed. ERR_NOT_FOUND when the target
 * does not exist, which lists the stages. */
MUST_USE struct err *plan_make(struct plan *out, const struct dockerfile *file, struct diag *diag,
                               const struct plan_options *options);
void plan_wipe(struct plan *plan);

/* What --from or FROM names, seen from stage `from` on: the number of an earlier stage, or -1: an image.
 * ERR_INPUT for a number that is no earlier stage. */
MUST_USE struct err *plan_find_stage(const struct plan *plan, const char *name, unsigned from, int *number);

/* Is it an argument that needs no ARG: HTTP_PROXY and its kin? */
bool plan_arg_is_predefined(const char *name);

#endif
