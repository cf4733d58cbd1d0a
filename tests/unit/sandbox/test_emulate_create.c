/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "emulated.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>

static struct stat st;

static void want_file(const char *path, mode_t mode, unsigned uid, unsigned gid)
{
    want_int(lstat(path, &st), 0);
    if (st.st_mode != mode)
        (void)fprintf(stderr, "%s:\n", path);
    want_int(st.st_mode, mode);
    want_int(st.st_uid, uid);
    want_int(st.st_gid, gid);
}

static void make_each(unsigned uid, unsigned gid)
{
    int fd;

    (void)umask(027);
    fd = open("made", O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    want(fd >= 0);
    want_int(write(fd, "abc", 3), 3);
    want_int(fcntl(fd, F_GETFD), FD_CLOEXEC);
    (void)close(fd);
    want_file("made", S_IFREG | 0640, uid, gid);
    want_int(st.st_size, 3);
    fd = open("made", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    want_int(fcntl(fd, F_GETFD), 0);
    (void)close(fd);
    want_file("made", S_IFREG | 0640, uid, gid);
    want_int(st.st_size, 0);
    want_error(open("made", O_WRONLY | O_CREAT | O_EXCL, 0600), EEXIST);
    want_error(open("absent/made", O_WRONLY | O_CREAT, 0600), ENOENT);
    want_error(open("absent/", O_WRONLY | O_CREAT, 0600), EISDIR);
    fd = creat("created", 0606);
    (void)close(fd);
    want_file("created", S_IFREG | 0600, uid, gid);
    want_int(mkdir("dir/", 0777), 0);
    want_file("dir", S_IFDIR | 0750, uid, gid);
    want_error(mkdir("dir", 0777), EEXIST);
    want_int(symlink("/nowhere", "link"), 0);
    want_file("link", S_IFLNK | 0777, uid, gid);
    want_int(symlink("later", "dangling"), 0);
    fd = open("dangling", O_WRONLY | O_CREAT, 0600);
    (void)close(fd);
    want_file("later", S_IFREG | 0600, uid, gid);
    want_int(mkfifo("fifo", 0666), 0);
    want_file("fifo", S_IFIFO | 0640, uid, gid);
    want_int(mknod("node", S_IFREG | 0666, 0), 0);
    want_file("node", S_IFREG | 0640, uid, gid);
    fd = open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0644);
    want(fd >= 0);
    want_int(fstat(fd, &st), 0);
    want_int(st.st_uid, uid);
    want_int(linkat(fd, "", AT_FDCWD, "linked", AT_EMPTY_PATH), 0);
    want_file("linked", S_IFREG | 0640, uid, gid);
    (void)close(fd);
    want_int(link("made", "hard"), 0);
    want_file("hard", S_IFREG | 0640, uid, gid);
    want_int(rename("hard", "renamed"), 0);
    want_file("renamed", S_IFREG | 0640, uid, gid);
}

static void bind_socket(unsigned uid, unsigned gid)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    want_int(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    want_file("socket", S_IFSOCK | 0750, uid, gid);
    want_error(bind(fd, (struct sockaddr *)&address, sizeof address), EADDRINUSE);
    (void)close(fd);
}

/* It is the process's own, however it came to it, and its children's. */
static void change_umask(void)
{
    static const mode_t masks[] = {0, 077, 022, 027};
    char name[16];
    int status;
    pid_t child;

    for (unsigned i = 0; i < ARRAY_LEN(masks); i++) {
        (void)snprintf(name, sizeof name, "mask%u", i);
        (void)umask(masks[i]);
        want_int(close(open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0666)), 0);
        want_file(name, S_IFREG | (0666 & ~masks[i]), 1000, 100);
    }
    child = fork();
    if (child == 0) {
        (void)umask(0);
        want_int(mkdir("child", 0777), 0);
        want_file("child", S_IFDIR | 0777, 1000, 100);
        _exit(0);
    }
    want_int(waitpid(child, &status, 0), child);
    want_int(status, 0);
    want_int(mkdir("parent", 0777), 0);
    want_file("parent", S_IFDIR | 0750, 1000, 100);
    want_output("umask 02; mkdir shell; stat -c %a shell; sh -c 'umask; mkdir inner; stat -c %a inner'",
                "775\n0002\n775\n");
}

static void make_as_user(void)
{
    want_int(chdir("/tmp"), 0);
    want_int(setgid(100), 0);
    want_int(setuid(1000), 0);
    make_each(1000, 100);
    bind_socket(1000, 100);
    change_umask();
}

static void make_in_group(void)
{
    want_int(mkdir("/tmp/shared", 0755), 0);
    want_int(chown("/tmp/shared", 0, 50), 0);
    want_int(chmod("/tmp/shared", 02775), 0);
    want_int(chdir("/tmp/shared"), 0);
    (void)umask(022);
    want_int(mkdir("sub", 0755), 0);
    want_file("sub", S_IFDIR | 02755, 0, 50);
    touch("sub/file");
    want_file("sub/file", S_IFREG | 0644, 0, 50);
    touch("/tmp/file");
    want_file("/tmp/file", S_IFREG | 0644, 0, 0);
    want_int(setgid(100), 0);
    want_int(setuid(1000), 0);
    touch("sub/other");
    want_file("sub/other", S_IFREG | 0644, 1000, 50);
}

static void make_devices(void)
{
    want_int(chdir("/tmp"), 0);
    (void)umask(022);
    want_int(mknod("console", S_IFCHR | 0622, makedev(5, 1)), 0);
    want_file("console", S_IFCHR | 0600, 0, 0);
    want(st.st_rdev == makedev(5, 1));
    want_int(mknod("disk", S_IFBLK | 0660, makedev(259, 70000)), 0);
    want_file("disk", S_IFBLK | 0640, 0, 0);
    want(st.st_rdev == makedev(259, 70000));
    want_int(chown("disk", 0, 6), 0);
    want_file("disk", S_IFBLK | 0640, 0, 6);
    want(st.st_rdev == makedev(259, 70000));
    want_int(chmod("disk", 0660), 0);
    want_file("disk", S_IFBLK | 0660, 0, 6);
    want_error(mknod("disk", S_IFCHR, makedev(1, 3)), EEXIST);
    want_error(mknod("absent/disk", S_IFCHR, makedev(1, 3)), ENOENT);
    want_int(mknod("white", S_IFCHR, makedev(0, 0)), 0);
    want_file("white", S_IFCHR, 0, 0);
    want_output("stat -c '%F %t %T' /tmp/console; ls -n /tmp/disk | cut -c 1-20",
                "character special file 5 1\nbrw-rw---- 1 0 6 259\n");
    want_int(setuid(1000), 0);
    want_error(mknod("mine", S_IFCHR, makedev(1, 3)), EPERM);
}

static bool see_devices(struct emulate *e)
{
    bool recorded;

    return emulate_stat(e, AT_FDCWD, "/tmp/disk", &st, &recorded) == 0 && recorded && S_ISBLK(st.st_mode) &&
           st.st_rdev == makedev(259, 70000) && emulate_stat(e, AT_FDCWD, "/tmp", &st, &recorded) == 0 &&
           !recorded && emulate_stat(e, AT_FDCWD, "/absent", &st, &recorded) == ENOENT;
}

static void make_device_only(void)
{
    want_int(mknod("/tmp/disk", S_IFBLK | 0660, makedev(259, 70000)), 0);
    want_int(mkfifo("/tmp/fifo", 0660), 0);
    want_error(chown("/tmp/fifo", 1, 1), EINVAL);
}

static void test_user(void **state)
{
    (void)state;
    run_emulated({.command = make_as_user});
    run_emulated({.overlay = true, .command = make_as_user});
}

static void start_as_user(void)
{
    want_int(chdir("/tmp"), 0);
    want_int(geteuid(), 1001);
    make_each(1001, 1002);
}

static void test_start(void **state)
{
    (void)state;
    run_emulated({.overlay = true, .uid = 1001, .gid = 1002, .command = start_as_user});
}

static void test_group(void **state)
{
    (void)state;
    run_emulated({.command = make_in_group});
    run_emulated({.overlay = true, .command = make_in_group});
}

static void test_devices(void **state)
{
    (void)state;
    run_emulated({.command = make_devices, .after = see_devices});
    run_emulated({.overlay = true, .command = make_devices, .after = see_devices});
    run_emulated(
        {.overlay = true, .emulation = FILTER_DEVICES, .command = make_device_only, .after = see_devices});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_user),
        cmocka_unit_test(test_start),
        cmocka_unit_test(test_group),
        cmocka_unit_test(test_devices),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
