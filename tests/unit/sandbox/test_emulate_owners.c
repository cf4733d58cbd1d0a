/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "emulated.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

static struct stat st;

static void want_owner(const char *path, unsigned uid, unsigned gid)
{
    struct statx x;
    int fd;

    want_int(lstat(path, &st), 0);
    want_int(st.st_uid, uid);
    want_int(st.st_gid, gid);
    want_int(statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &x), 0);
    want_int(x.stx_uid, uid);
    want_int(x.stx_gid, gid);
    fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    want(fd >= 0);
    want_int(fstatat(fd, "", &st, AT_EMPTY_PATH), 0);
    want_int(st.st_uid, uid);
    want_int(st.st_gid, gid);
    want_int(fstat(fd, &st), 0);
    want_int(st.st_uid, uid);
    (void)close(fd);
}

static void give_all_ways(void)
{
    int fd, dir;

    want_int(chdir("/tmp"), 0);
    touch("a");
    want_owner("a", 0, 0);
    want_int(chown("a", 33, 44), 0);
    want_owner("a", 33, 44);
    want_owner("/tmp/a", 33, 44);
    want_int(chown("a", (uid_t)-1, 5), 0);
    want_owner("a", 33, 5);
    want_int(chown("/tmp/a", 6, (gid_t)-1), 0);
    want_owner("a", 6, 5);
    want_int(chown("a", (uid_t)-1, (gid_t)-1), 0);
    want_owner("a", 6, 5);
    want_int(symlink("a", "l"), 0);
    want_int(lchown("l", 70, 71), 0);
    want_owner("l", 70, 71);
    want_owner("a", 6, 5);
    want_int(chown("l", 80, 81), 0);
    want_owner("a", 80, 81);
    fd = open("a", O_RDWR | O_CLOEXEC);
    want_int(fchown(fd, 1000000, 4000000000U), 0);
    want_owner("a", 1000000, 4000000000U);
    want_int(fchownat(fd, "", 9, 9, AT_EMPTY_PATH), 0);
    want_owner("a", 9, 9);
    dir = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    want_int(fchownat(dir, "l", 10, 10, AT_SYMLINK_NOFOLLOW), 0);
    want_owner("l", 10, 10);
    want_int(fchownat(dir, "l", 11, 11, 0), 0);
    want_owner("a", 11, 11);
    want_int(chown("/tmp", 12, 13), 0);
    want_owner("/tmp", 12, 13);
    want_int(chown("a", 0, 0), 0);
    want_owner("a", 0, 0);
    want_error(chown("absent", 1, 1), ENOENT);
    want_error(chown("a/b", 1, 1), ENOTDIR);
    want_error(fchown(99, 1, 1), EBADF);
    want_error(fchownat(dir, "a", 1, 1, 0x40000000), EINVAL);
    want_error(syscall(SYS_fchownat, dir, 8UL, 1, 1, 0), EFAULT);
    want_error(syscall(SYS_newfstatat, dir, "a", 8UL, 0), EFAULT);
}

static void test_ways(void **state)
{
    (void)state;
    run_emulated({.command = give_all_ways});
    run_emulated({.overlay = true, .command = give_all_ways});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ways),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
