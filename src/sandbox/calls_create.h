/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_SANDBOX_CALLS_CREATE_H
#define LADE_SANDBOX_CALLS_CREATE_H

#include "sandbox/emulate_inner.h"
#include "sandbox/peer.h"
#include "sandbox/resolve.h"

/* A file that the supervisor makes in place of a process, because it shall not be root's. */
struct creation {
    struct subject subject;
    int parent;       /* its directory, open; -1: none. creation_wipe closes it */
    const char *last; /* its name there */
    bool slash;       /* the path ended in a slash */
    uint32_t uid, gid;
};
void creation_wipe(struct creation *c);

/* Find the directory, and whose the file will be: of the process, or the group of a directory with the
 * set-group-id bit. 0 or errno. */
int creation_find(struct creation *c, const struct ask *a, int fd, uint64_t path);
/* The same when the subject is there. */
int creation_find_parent(struct creation *c, const struct ask *a);
/* Remember whose the file is that was just made there. The answer is 0, or what failed. */
struct answer creation_record(const struct creation *c, const struct ask *a);

/* Would a file that this process makes be root's wherever it is? Then the kernel makes it. */
bool creation_is_plain(const struct ask *a);
/* Have the umask of the process that asks; 0 or errno. And ours again. */
int creation_borrow_umask(struct ask *a);
void creation_return_umask(void);

/* calls_change.c: copy the file up that the process is about to change, so that its new inode is known. */
void copy_up(const struct subject *s, const struct ask *a);

#endif
