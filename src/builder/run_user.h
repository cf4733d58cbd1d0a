/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_RUN_USER_H
#define LADE_BUILDER_RUN_USER_H

#include "base/attr.h"
#include "base/err.h"
#include "layers/tree.h"

#include <stddef.h>
#include <stdint.h>

/* As whom a process of an image starts, as runc reads USER: other than the owner of a COPY (account.h), a
 * number brings the group of its entry in passwd, or 0; the groups that list the user are added where no
 * group is given. */
struct run_user {
    uint32_t uid, gid;
    uint32_t *groups; /* the group itself first */
    size_t group_count, group_room;
    char *home; /* of the entry for `uid`, or "/" */
};

#define RUN_USER_GROUPS_MAX 65536 /* the kernel's NGROUPS_MAX */

/* `user` is "", "user", "user:group" or ":group", where both may be names or numbers; the texts of passwd and
 * group are not NUL-terminated, NULL: there is none. ERR_INPUT for a name that is not there or a number out
 * of range. */
MUST_USE struct err *run_user_parse(struct run_user *out, const char *user, const char *passwd,
                                    size_t passwd_len, const char *group, size_t group_len);
/* The same with /etc/passwd and /etc/group of `files`. */
MUST_USE struct err *run_user_find(struct run_user *out, struct tree *files, const char *user);
void run_user_wipe(struct run_user *user);

#endif
