/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_RUN_FLAGS_H
#define LADE_BUILDER_RUN_FLAGS_H

#include "base/attr.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* The flag --mount of RUN, as BuildKit reads it: fields in the order in which they stand, values expanded one
 * by one. Nothing is looked up here. */

enum run_mount_kind { RUN_BIND, RUN_CACHE, RUN_TMPFS, RUN_SECRET, RUN_SSH };
enum run_sharing { RUN_SHARED, RUN_PRIVATE, RUN_LOCKED };

const char *run_mount_kind_name(enum run_mount_kind kind); /* "bind" */

/* Texts are NULL when they were not given, or are empty where empty means the same. */
struct run_mount_flag {
    enum run_mount_kind kind;
    char *from;
    char *source;
    char *target;
    char *id;
    char *env; /* may be "" */
    bool read_only;
    bool required;
    bool has_sharing;
    enum run_sharing sharing;
    uint64_t size;
    bool has_mode, has_uid, has_gid;
    uint32_t mode, uid, gid;
};

/* How variables in values are replaced. New string. */
struct run_expander {
    struct err *(*expand)(void *ctx, const char *value, char **out);
    void *ctx;
};

/* ERR_INPUT without the place. */
MUST_USE struct err *run_mount_flag_parse(struct run_mount_flag *out, const char *text,
                                          const struct run_expander *expander);
void run_mount_flag_wipe(struct run_mount_flag *flag);

/* What can be said of it before variables have values: an error or NULL. *from gets what stands there as
 * "from", or NULL. New string. */
MUST_USE struct err *run_mount_flag_check(const char *text, char **from);

#endif
