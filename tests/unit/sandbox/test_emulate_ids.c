/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "emulated.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <pthread.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static void want_users(unsigned real, unsigned effective, unsigned saved)
{
    uid_t r, e, s;

    want_int(getresuid(&r, &e, &s), 0);
    want_int(r, real);
    want_int(e, effective);
    want_int(s, saved);
    want_int(getuid(), real);
    want_int(geteuid(), effective);
}

static void want_groups(unsigned real, unsigned effective, unsigned saved)
{
    gid_t r, e, s;

    want_int(getresgid(&r, &e, &s), 0);
    want_int(r, real);
    want_int(e, effective);
    want_int(s, saved);
    want_int(getgid(), real);
    want_int(getegid(), effective);
}

/* Run it in a child of its own. */
static void apart(void (*part)(void))
{
    int status;
    pid_t child = fork();

    want(child >= 0);
    if (child == 0) {
        part();
        _exit(0);
    }
    want_int(waitpid(child, &status, 0), child);
    want_int(status, 0);
}

static void drop_for_good(void)
{
    want_int(setgid(20), 0);
    want_groups(20, 20, 20);
    want_int(setuid(10), 0);
    want_users(10, 10, 10);
    want_error(setuid(0), EPERM);
    want_error(setresuid(10, 0, 10), EPERM);
    want_error(setgid(0), EPERM);
    want_error(setgroups(0, NULL), EPERM);
    want_int(setuid(10), 0);
    want_error(setuid((uid_t)-1), EINVAL);
}

static void drop_and_return(void)
{
    want_int(seteuid(10), 0);
    want_users(0, 10, 0);
    want_error(setgid(5), EPERM);
    want_int(seteuid(0), 0);
    want_users(0, 0, 0);
    want_int(setresuid(1, 2, 3), 0);
    want_users(1, 2, 3);
    want_int(setresuid((uid_t)-1, 3, (uid_t)-1), 0);
    want_users(1, 3, 3);
    want_int(setresuid(3, 1, 1), 0);
    want_users(3, 1, 1);
    want_error(setresuid(2, 1, 1), EPERM);
    want_int(setuid(3), 0);
    want_users(3, 3, 1);
}

static void exchange(void)
{
    want_int(setreuid(7, 8), 0);
    want_users(7, 8, 8);
    want_int(setreuid(8, 7), 0);
    want_users(8, 7, 7);
    want_error(setreuid(9, (uid_t)-1), EPERM);
    want_int(setreuid((uid_t)-1, 8), 0);
    want_users(8, 8, 7);
}

static void file_ids(void)
{
    want_int(setfsuid(5), 0);
    want_int(setfsuid((uid_t)-1), 5);
    want_int(setfsgid(6), 0);
    want_int(setfsgid((gid_t)-1), 6);
    want_int(seteuid(4), 0);
    want_int(setfsuid((uid_t)-1), 4);
    want_int(setfsuid(77), 4);
    want_int(setfsuid((uid_t)-1), 4);
}

static void groups(void)
{
    static const gid_t some[] = {30, 10, 20};
    gid_t got[8] = {0};

    want_int(getgroups(0, NULL), 0);
    want_int(setgroups(3, some), 0);
    want_int(getgroups(8, got), 3);
    want_int(got[0], 10);
    want_int(got[1], 20);
    want_int(got[2], 30);
    want_error(getgroups(2, got), EINVAL);
    want_int(setgroups(0, NULL), 0);
    want_int(getgroups(8, got), 0);
    want_error(syscall(SYS_setgroups, 70000, some), EINVAL);
    want_error(syscall(SYS_setgroups, 2, 8UL), EFAULT);
}

static void may_give_to_own_groups(void)
{
    static const gid_t some[] = {30, 40};
    struct stat st;

    touch("/tmp/of_root");
    touch("/tmp/mine");
    want_int(chown("/tmp/mine", 10, 20), 0);
    want_int(setgroups(2, some), 0);
    want_int(setgid(20), 0);
    want_int(setuid(10), 0);
    want_int(chown("/tmp/mine", (uid_t)-1, 40), 0);
    want_int(chown("/tmp/mine", 10, 30), 0);
    want_int(stat("/tmp/mine", &st), 0);
    want_int(st.st_gid, 30);
    want_error(chown("/tmp/mine", 10, 50), EPERM);
    want_error(chown("/tmp/mine", 11, 30), EPERM);
    want_error(chown("/tmp/of_root", 10, 20), EPERM);
    want_error(chown("/tmp/of_root", 0, 20), EPERM);
}

static unsigned effective_capabilities(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];

    want_int(syscall(SYS_capget, &header, data), 0);
    return data[0].effective;
}

static unsigned permitted_capabilities(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];

    want_int(syscall(SYS_capget, &header, data), 0);
    return data[0].permitted;
}

static int set_effective(unsigned wanted)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {{wanted, permitted_capabilities() | wanted, 0}};

    return (int)syscall(SYS_capset, &header, data);
}

/* What setpriv, capsh and others do: user first, then groups, with capabilities kept. */
static void keep_capabilities(void)
{
    want(effective_capabilities() & 1U << CAP_CHOWN);
    want_int(prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0), 0);
    want_int(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0), 0);
    want_int(prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0), 1);
    want_int(setresuid(6, 6, 6), 0);
    want_int(effective_capabilities(), 0);
    want(permitted_capabilities() & 1U << CAP_SETGID);
    want_error(setresgid(12, 12, 12), EPERM);
    want_int(set_effective(1U << CAP_SETGID | 1U << CAP_SETUID), 0);
    want_int(setresgid(12, 12, 12), 0);
    want_groups(12, 12, 12);
    want_int(setresuid(0, 0, 0), 0);
}

static void lose_capabilities(void)
{
    want_int(setresuid(6, 6, 6), 0);
    want_int(effective_capabilities(), 0);
    want_int(permitted_capabilities(), 0);
    want_error(set_effective(1U << CAP_SETGID), EPERM);
    want_error(prctl(PR_SET_SECUREBITS, SECBIT_KEEP_CAPS, 0, 0, 0), EPERM);
}

static void no_fixup(void)
{
    want_int(prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED, 0, 0, 0), 0);
    want_error(prctl(PR_SET_SECUREBITS, 0, 0, 0, 0), EPERM);
    want_int(prctl(PR_GET_SECUREBITS, 0, 0, 0, 0), SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED);
    want_int(setresuid(6, 6, 6), 0);
    want_int(setresgid(7, 7, 7), 0);
    want_int(setresuid(0, 0, 0), 0);
}

/* The limit that holds the token does not show it, and cannot change it. */
static void limit(void)
{
    struct rlimit value = {5, 5};

    want_int(setuid(10), 0);
    want_int(setrlimit(RLIMIT_RTTIME, &value), 0);
    want_int(prlimit(0, RLIMIT_RTTIME, &value, NULL), 0);
    want_int(getrlimit(RLIMIT_RTTIME, &value), 0);
    want(value.rlim_cur == RLIM_INFINITY && value.rlim_max == RLIM_INFINITY);
    want_users(10, 10, 10);
    want_int(getrlimit(RLIMIT_NOFILE, &value), 0);
    want(value.rlim_cur != RLIM_INFINITY);
}

static void *other_thread(void *seen)
{
    uid_t *ids = seen;

    while (ids[0] == 0)
        ids[0] = geteuid();
    ids[1] = getuid();
    return NULL;
}

static void threads(void)
{
    static uid_t seen[2];
    pthread_t thread;

    want_int(pthread_create(&thread, NULL, other_thread, seen), 0);
    want_int(setgroups(0, NULL), 0);
    want_int(setresgid(100, 100, 100), 0);
    want_int(setresuid(1000, 1000, 1000), 0);
    want_int(pthread_join(thread, NULL), 0);
    want_int(seen[0], 1000);
    want_int(seen[1], 1000);
}

static void by_vfork(void)
{
    int status;
    pid_t child = vfork();

    if (child == 0) {
        if (setuid(50) != 0)
            _exit(1);
        (void)execl("/bin/sh", "sh", "-c", "test $(id -u) = 50 && test $(id -g) = 0", (char *)NULL);
        _exit(2);
    }
    want_int(waitpid(child, &status, 0), child);
    want_int(status, 0);
    want_users(0, 0, 0);
}

static void all_ids(void)
{
    static void (*const parts[])(void) = {
        drop_for_good,     drop_and_return,   exchange, file_ids, groups,  may_give_to_own_groups,
        keep_capabilities, lose_capabilities, no_fixup, limit,    threads, by_vfork};

    want_users(0, 0, 0);
    want_groups(0, 0, 0);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        apart(parts[i]);
    want_users(0, 0, 0);
}

static void test_ids(void **state)
{
    (void)state;
    run_emulated({.command = all_ids});
}

static void copy_program(const char *from, const char *to, mode_t mode, unsigned uid, unsigned gid)
{
    char line[256];

    (void)snprintf(line, sizeof line, "cp %s %s", from, to);
    want_int(system(line), 0);
    want_int(chown(to, uid, gid), 0);
    want_int(chmod(to, mode), 0);
}

static void set_id_programs(void)
{
    struct stat st;
    char line[256];

    copy_program("/usr/bin/id", "/tmp/user", 04755, 33, 0);
    copy_program("/usr/bin/id", "/tmp/group", 02755, 0, 44);
    copy_program("/usr/bin/id", "/tmp/both", 06755, 33, 44);
    copy_program("/usr/bin/id", "/tmp/root", 04755, 0, 0);
    want_output("/tmp/user -u; /tmp/user -ru", "33\n0\n");
    want_output("/tmp/group -g; /tmp/group -rg; /tmp/group -u", "44\n0\n0\n");
    want_output("/tmp/both -u; /tmp/both -g", "33\n44\n");
    want_output("setpriv --reuid 1000 --clear-groups /tmp/root -u", "0\n");
    want_output("setpriv --reuid 1000 --regid 100 --groups 1,2 id", "uid=1000 gid=100 groups=100,1,2\n");
    want_output("setpriv --reuid 1000 --clear-groups setpriv --no-new-privs /tmp/root -u", "1000\n");
    want_output("setpriv --reuid 1000 --clear-groups setpriv --reuid 0 id -u 2>&1 | sed 's/.*: //'",
                "Operation not permitted\n");
    (void)snprintf(
        line, sizeof line,
        "printf '#!/bin/sh\\nid -u\\n' >/tmp/script; chown 33 /tmp/script; chmod 4755 /tmp/script; "
        "/tmp/script");
    want_output(line, "0\n");
    want_int(chown("/tmp/both", 1, 1), 0);
    want_int(stat("/tmp/both", &st), 0);
    want_int(st.st_mode, S_IFREG | 0755);
}

static void test_set_id(void **state)
{
    (void)state;
    run_emulated({.command = set_id_programs});
    run_emulated({.overlay = true, .command = set_id_programs});
}

static const uint32_t start_groups[] = {2003, 2001};
static void started(void)
{
    gid_t got[4];

    want_users(1001, 1001, 1001);
    want_groups(1002, 1002, 1002);
    want_int(getgroups(4, got), 2);
    want_int(got[0], 2001);
    want_error(setuid(0), EPERM);
    want_error(chown("/tmp", 1001, 1001), EPERM);
}

static void test_start(void **state)
{
    (void)state;
    run_emulated({.uid = 1001, .gid = 1002, .groups = start_groups, .group_count = 2, .command = started});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_set_id),
        cmocka_unit_test(test_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
