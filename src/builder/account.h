/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_ACCOUNT_H
#define LADE_BUILDER_ACCOUNT_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "layers/tree.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The numbers of "user[:group]", where each part is a name, "root" (always 0), a number up to 2147483647 or
 * nothing (0). Without ":group" a name brings its own group with it from passwd, and a number is its own
 * group.
 */
struct account {
    uint32_t uid, gid;
};

#define ACCOUNT_FILE_MAX (1u << 20) /* bytes of passwd or group */

/* With the text of passwd and group (not NUL-terminated; NULL: there is none). *missing becomes "user" or
 * "group" when that name is not there, else NULL; a missing user counts as 0, a missing group as if none was
 * given. ERR_INPUT for a number out of range or an entry without number. */
MUST_USE struct err *account_parse(struct account *out, const char *owner, const char *passwd,
                                   size_t passwd_len, const char *group, size_t group_len,
                                   const char **missing);

/* The same with /etc/passwd and /etc/group of `stage` (NULL: there are none), read only when a name asks for
 * them. */
MUST_USE struct err *account_look_up(struct account *out, struct tree *stage, const char *owner,
                                     const char **missing);

/* The bytes of etc/passwd or etc/group of the stage; *found false when it is absent. */
MUST_USE struct err *account_read_file(struct tree *stage, const char *path, struct buf *out, bool *found);

#endif
