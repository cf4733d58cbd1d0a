/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_TESTS_OVERLAY_H
#define LADE_TESTS_OVERLAY_H

#include "../check.h"

#include "base/mem.h"
#include "layers/tree.h"
#include "layers/unpacked.h"
#include "treelist.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Commands on an overlay mount in a user namespace with one id, as RUN has them; and tests that run as root
 * and as somebody. */

#define SOMEBODY 12345

static inline bool overlay_write(const char *path, const char *text)
{
    AUTO(fd_close) int fd = open(path, O_WRONLY | O_CLOEXEC);

    return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

static inline bool overlay_become_root(void)
{
    char uid[32], gid[32];

    snprintf(uid, sizeof uid, "0 %u 1", geteuid());
    snprintf(gid, sizeof gid, "0 %u 1", getegid());
    return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && overlay_write("/proc/self/setgroups", "deny") &&
           overlay_write("/proc/self/uid_map", uid) && overlay_write("/proc/self/gid_map", gid);
}

enum { OVERLAY_NONE = 77 };

/* In a process of its own: mount, run, and write down what the merged directory holds. */
static inline int overlay_child(const char *lower, const struct unpacking *u, const char *script,
                                const char *listing)
{
    AUTO(mem_free)
    char *options = mem_printf("userxattr,lowerdir=%s,upperdir=%s,workdir=%s", lower, unpacking_upper(u),
                               unpacking_work(u));
    AUTO_VALUE(buf_wipe) struct buf text = BUF(1 << 24);
    AUTO(tree_free) struct tree *t = NULL;
    AUTO(fd_close) int out = open(listing, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    AUTO(err_free) struct err *e = NULL;

    if (!overlay_become_root() || mount("overlay", unpacking_root(u), "overlay", 0, options) != 0)
        return OVERLAY_NONE;
    if (chdir(unpacking_root(u)) != 0 || system(script) != 0 || chdir("/") != 0)
        return 1;
    /* While it is mounted, a file that came up from below keeps the inode number that it had there, and is
     * not seen to be one with its new links. */
    if (umount2(unpacking_root(u), 0) != 0 ||
        mount("overlay", unpacking_root(u), "overlay", 0, options) != 0 || chdir(unpacking_root(u)) != 0)
        return 1;
    e = tree_open_dir(&t, open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), NULL);
    if (!e)
        e = treelist(&text, t);
    if (!e)
        e = fd_write(out, buf_text(&text), text.len, listing);
    if (e)
        print_error("%s\n", err_message(e));
    return e ? 1 : 0;
}

/* False: this machine has no overlay for us. */
static inline bool overlay_run(const char *lower, const struct unpacking *u, const char *script,
                               const char *listing)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0)
        _exit(overlay_child(lower, u, script, listing));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == OVERLAY_NONE)
        return false;
    assert_int_equal(status, 0);
    return true;
}

/* Strip what cannot be seen in a mount. */
static inline void overlay_forget_marks(struct node *n)
{
    n->implicit = n->opaque = false;
    for (uint32_t i = 0; i < n->child_count; i++)
        overlay_forget_marks(n->child[i]);
}

/* What main does. */
#define run_as_both(tests)                                                                      \
    __extension__({                                                                             \
        pid_t both_pid = geteuid() == 0 ? fork() : -1;                                          \
        int both_status = 0;                                                                    \
        /* A change of user closes our own files in /proc to us. */                             \
        if (both_pid == 0 &&                                                                    \
            (setgid(SOMEBODY) != 0 || setuid(SOMEBODY) != 0 || prctl(PR_SET_DUMPABLE, 1) != 0)) \
            _exit(1);                                                                           \
        int both_failed = cmocka_run_group_tests(tests, NULL, NULL);                            \
        if (both_pid > 0)                                                                       \
            waitpid(both_pid, &both_status, 0);                                                 \
        both_failed || both_status;                                                             \
    })

#endif
