/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_RUN_PLAN_H
#define LADE_BUILDER_RUN_PLAN_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "builder/run_flags.h"
#include "builder/run_options.h"
#include "builder/stage.h"
#include "image/platform.h"
#include "layers/tree.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * All that a RUN step's command will see but the files of its stage, collected before anything is done, so
 * that a cache can be asked first:
 *
 *     run_plan_make     reads flags, environment, user, and looks up what mounts show
 *     run_plan_execute  runs the command and puts its layer on the stage
 *
 * What is marked "not in a key" does not decide what the command makes, as BuildKit sees it too.
 */
struct run_mount {
    enum run_mount_kind kind;
    char *target; /* absolute and clean; NULL: a secret that is an environment variable only */
    bool read_only;
    char *id;                 /* CACHE, SECRET, SSH; never NULL for them */
    bool required;            /* SECRET, SSH */
    enum run_sharing sharing; /* CACHE */
    uint64_t size;            /* TMPFS; 0: no limit */
    bool has_mode, has_uid, has_gid;
    uint32_t mode, uid, gid; /* with defaults filled in; CACHE, SECRET, SSH */
    char *env;               /* SECRET: the variable's name, or NULL */

    /* BIND: what it shows; CACHE: what it begins with. */
    struct stage *from; /* a stage or image; NULL: the context (BIND) or nothing (CACHE) */
    char *source;       /* in `from`, clean, without leading slash; "" is all of it */
    struct tree *files; /* in which `node` is; borrowed from the stage or context; NULL with CACHE: nothing */
    struct node *node;  /* a directory or regular file of `files`, borrowed. Its contents (node_open) can be
                           read where they are not CONTENT_LAYER: for those see from->parts. NULL: see files */

    const struct run_secret *secret; /* borrowed from the options; NULL: it was not given. Not in a key */
    const struct run_agent *agent;   /* likewise */
};

struct run_plan {
    struct strlist argv;
    struct strlist env;         /* "K=V": of the image and ARGs, SOURCE_DATE_EPOCH, PATH */
    struct strlist private_env; /* "K=V": proxies, secrets, SSH_AUTH_SOCK. Not in a key */
    char *cwd;                  /* absolute */
    uint32_t uid, gid;
    uint32_t *groups;
    size_t group_count;
    struct run_mount *mount;
    size_t mount_count, mount_room;
    enum sandbox_network network;
    bool insecure;
    struct platform platform; /* of the stage: what its programs run on */
    char *script_name;        /* a here-document that begins with "#!": the file /dev/pipes/NAME … */
    char *script;             /* … and its text; NULL: none */
    char *hostname;           /* and the text of /etc/hosts */
    char *hosts;
    char *created_by; /* the history entry's text */

    /* After run_plan_execute. */
    bool faked; /* owners are not what the command asked for: the layer must not be remembered */
};

/* `instr` is a RUN. Stages that mounts show are built first. ERR_INPUT shows the place. */
MUST_USE struct err *run_plan_make(struct run_plan *out, struct builder *b, struct stage *s,
                                   const struct instr *instr);
/* Run it; `id` is the step's, for its lines of output. The layer is added to the stage as the last part (with
 * its diff ID, and in the layout when the stage is one of the result's) unless *empty; the history is not.
 * ERR_STEP when the command fails. */
MUST_USE struct err *run_plan_execute(struct run_plan *plan, struct builder *b, struct stage *s,
                                      const struct instr *instr, unsigned id, bool *empty);
void run_plan_wipe(struct run_plan *plan);

#endif
