/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "emulated.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>

static struct stat st;

static void want_owner(const char *path, unsigned uid, unsigned gid)
{
    want_int(stat(path, &st), 0);
    want_int(st.st_uid, uid);
    want_int(st.st_gid, gid);
}

/* In another root, links and paths mean other files. */
static void other_root(void)
{
    want_int(chdir("/tmp"), 0);
    touch("target");
    want_int(chown("target", 1, 1), 0);
    want_int(mkdir("new", 0755), 0);
    want_int(mkdir("new/tmp", 0755), 0);
    want_int(mkdir("new/tmp/deep", 0755), 0);
    touch("new/tmp/target");
    want_int(symlink("/tmp/target", "new/tmp/link"), 0);
    want_int(chown("new/tmp/target", 2, 2), 0);
    want_int(chroot("new"), 0);
    want_int(chdir("/tmp"), 0);
    want_owner("/tmp/target", 2, 2);
    want_owner("target", 2, 2);
    want_owner("link", 2, 2);
    want_owner("/tmp/link", 2, 2);
    want_owner("../tmp/link", 2, 2);
    want_owner("../../../tmp/link", 2, 2);
    want_int(chown("link", 3, 3), 0);
    want_owner("/tmp/target", 3, 3);
    want_int(lchown("link", 4, 4), 0);
    want_owner("link", 3, 3);
    want_int(chdir("deep"), 0);
    want_owner("../link", 3, 3);
    want_int(mknod("/tmp/null", S_IFCHR | 0666, makedev(1, 3)), 0);
    want_owner("/tmp/null", 0, 0);
    want(S_ISCHR(st.st_mode));
    want_int(seteuid(9), 0);
    touch("/tmp/by_user");
    want_owner("/tmp/by_user", 9, 0);
    want_int(mkdir("by_user", 0755), 0);
    want_owner("by_user", 9, 0);
    want_error(chroot("/tmp"), EPERM);
}

static bool see_roots(struct emulate *e)
{
    return emulate_stat(e, AT_FDCWD, "/tmp/target", &st, NULL) == 0 && st.st_uid == 1 &&
           emulate_stat(e, AT_FDCWD, "/tmp/new/tmp/target", &st, NULL) == 0 && st.st_uid == 3 &&
           emulate_stat(e, AT_FDCWD, "/tmp/new/tmp/by_user", &st, NULL) == 0 && st.st_uid == 9 &&
           emulate_stat(e, AT_FDCWD, "/tmp/new/tmp/deep/by_user", &st, NULL) == 0 && st.st_uid == 9;
}

static void test_chroot(void **state)
{
    (void)state;
    run_emulated({.command = other_root, .after = see_roots});
    run_emulated({.overlay = true, .command = other_root, .after = see_roots});
}

/* Paths that begin with a link of the process itself. */
static void through_links(void)
{
    char name[64];
    int fd = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);

    touch("far");
    want_int(chown("/proc/self/cwd/far", 20, 21), 0);
    want_owner("far", 20, 21);
    want_int(chown("/proc/self/root//tmp/far", 22, 23), 0);
    want_owner("/proc/thread-self/root/tmp/far", 22, 23);
    (void)snprintf(name, sizeof name, "/proc/self/fd/%d/far", fd);
    want_int(chown(name, 24, 25), 0);
    (void)snprintf(name, sizeof name, "/dev/fd/%d/far", fd);
    want_owner("far", 24, 25);
    want_int(mkdir("/proc/self/cwd/made", 0755), 0);
    want_int(chown("/proc/self/cwd/made/", 26, 27), 0);
    want_owner("made", 26, 27);
    want_int(chdir("made"), 0);
    want_int(chown("/proc/self/cwd", 28, 29), 0);
    want_owner(".", 28, 29);
    want_owner("/proc/self/cwd/../far", 24, 25);
    want_int(chdir("/tmp"), 0);
    want_int(lstat("/proc/self/cwd", &st), 0);
    want(S_ISLNK(st.st_mode));
    want_error(stat("/proc/self/cwd/none", &st), ENOENT);
    (void)close(fd);
}

/* Names of descriptors mean those of the process, never those of the supervisor. */
static void descriptors(void)
{
    char name[64];
    int fd, ends[2];

    want_int(chdir("/tmp"), 0);
    for (int i = 0; i < 20; i++) {
        (void)snprintf(name, sizeof name, "file%d", i);
        touch(name);
        want_int(chown(name, 60, 60), 0);
    }
    touch("plain");
    touch("owned");
    want_int(chown("owned", 7, 7), 0);
    for (int i = 5; i < 30; i++) {
        fd = open(i % 2 ? "plain" : "owned", O_RDONLY | O_CLOEXEC);
        want_int(dup2(fd, i + 30), i + 30);
        (void)snprintf(name, sizeof name, "/proc/self/fd/%d", i + 30);
        want_owner(name, i % 2 ? 0 : 7, i % 2 ? 0 : 7);
        (void)snprintf(name, sizeof name, "/proc/%d/fd/%d", (int)getpid(), i + 30);
        want_int(stat(name, &st), 0);
        (void)close(fd);
        (void)close(i + 30);
    }
    fd = open("owned", O_RDONLY | O_CLOEXEC);
    want_int(dup2(fd, 0), 0);
    want_int(symlink("/proc/self/fd/0", "stdin"), 0);
    want_int(chown("/proc/self/fd/0", 8, 8), 0);
    want_owner("owned", 8, 8);
    through_links();
    want_int(pipe(ends), 0);
    want_int(fchown(ends[0], 5, 5), 0);
    want_int(fstat(ends[0], &st), 0);
    want_error(chown("/proc/self/status", 5, 5), EINVAL);
}

static void test_descriptors(void **state)
{
    (void)state;
    run_emulated({.command = descriptors});
}

/* A path that ends with its page; paths that are as long as they may be. */
static void addresses(void)
{
    char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char path[5000];

    want(pages != MAP_FAILED);
    want_int(munmap(pages + 4096, 4096), 0);
    want_int(chdir("/tmp"), 0);
    touch("a");
    memcpy(pages + 4096 - 7, "/tmp/a", 7);
    want_int(chown(pages + 4096 - 7, 3, 4), 0);
    want_owner(pages + 4096 - 7, 3, 4);
    memcpy(pages + 4096 - 6, "/tmp/a", 6);
    want_error(chown(pages + 4096 - 6, 3, 4), EFAULT);
    for (size_t len = 4080; len < 4100; len++) {
        memset(path, '/', len);
        memcpy(path + len - 2, "a", 2);
        path[0] = '.';
        if (len - 1 < 4096) {
            want_int(chown(path, (uid_t)len, 4), 0);
            want_owner("a", (unsigned)len, 4);
        } else {
            want_error(chown(path, 1, 1), ENAMETOOLONG);
        }
    }
    want_error(chown("", 1, 1), ENOENT);
    want_error(lstat("", &st), ENOENT);
}

static void test_addresses(void **state)
{
    (void)state;
    run_emulated({.command = addresses});
}

#ifdef __x86_64__
/* The table of 32-bit programs is open to others too. */
static long call32(long number, unsigned long a, unsigned long b, unsigned long c, unsigned long d)
{
    long result;

    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"(number), "b"(a), "c"(b), "d"(c), "S"(d)
                     : "memory", "r8", "r9", "r10", "r11");
    return (int)result;
}

static uint32_t at(const unsigned char *data, size_t offset)
{
    uint32_t value;

    memcpy(&value, data + offset, sizeof value);
    return value;
}

static void old_calls(void)
{
    unsigned char *low =
        mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    unsigned long name = (unsigned long)low, out = name + 4096;

    want(low != MAP_FAILED);
    want_int(chdir("/tmp"), 0);
    touch("file");
    memcpy(low, "file", 5);
    if (call32(199, 0, 0, 0, 0) == -ENOSYS)
        return; /* a kernel without it */
    want_int(call32(212, name, 100000, 7, 0), 0);
    want_owner("file", 100000, 7);
    want_int(call32(195, name, out, 0, 0), 0);
    want_int(at(low + 4096, 24), 100000);
    want_int(at(low + 4096, 28), 7);
    want_int(at(low + 4096, 16), S_IFREG | 0644);
    want_int(at(low + 4096, 88), st.st_ino);
    want_int(at(low + 4096, 72), st.st_mtime);
    want_int(call32(300, (unsigned long)AT_FDCWD, name, out, 0), 0);
    want_int(at(low + 4096, 24), 100000);
    want_int(call32(106, name, out, 0, 0), 0);
    want_int(at(low + 4096, 12) & 0xffff, 65534);
    want_int(at(low + 4096, 12) >> 16, 7);
    want_int(at(low + 4096, 8) & 0xffff, S_IFREG | 0644);
    want_int(call32(182, name, 0xffff, 9, 0), 0);
    want_owner("file", 100000, 9);
    want_int(call32(182, name, 10, 0xffff, 0), 0);
    want_owner("file", 10, 9);
    want_int(call32(14, name + 1, S_IFBLK | 0600, makedev(8, 1), 0), 0);
    want_int(stat("ile", &st), 0);
    want(S_ISBLK(st.st_mode) && st.st_rdev == makedev(8, 1));
    want_int(call32(21, 0, 0, 0, 0), -EPERM);
    want_int(call32(425, 0, 0, 0, 0), -ENOSYS);
    want_int(call32(76, 15, out, 0, 0), 0);
    want_int(at(low + 4096, 0), UINT32_MAX);
    want_int(call32(23, 0xffff, 0, 0, 0), -EINVAL);
    want_int(call32(208, 70000, 70001, 0xffffffff, 0), 0);
    want_int(call32(199, 0, 0, 0, 0), 70000);
    want_int(call32(24, 0, 0, 0, 0), 65534);
    want_int(getuid(), 70000);
    want_int(geteuid(), 70001);
}

static void test_old_calls(void **state)
{
    (void)state;
    run_emulated({.command = old_calls});
}

/* socketcall(SYS_SOCKET); its arguments are in memory. */
static long socket32(uint32_t *low, uint32_t family, uint32_t type)
{
    low[0] = family;
    low[1] = type;
    low[2] = 0;
    return call32(102, 1, (unsigned long)low, 0, 0);
}

static void old_sockets(void)
{
    uint32_t *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/tmp/socket"};
    int kind, fd;
    socklen_t len = sizeof kind;

    want(low != MAP_FAILED);
    if (call32(199, 0, 0, 0, 0) == -ENOSYS)
        return; /* a kernel without it */
    want_int(socket32(low, 40, SOCK_STREAM), -EPERM);
    want_int(socket32(low, 38, SOCK_SEQPACKET), -EPERM);
    want_int(socket32(low, 1000, SOCK_STREAM), -EAFNOSUPPORT);
    want_int(call32(102, 1, 0, 0, 0), -EFAULT);
    fd = (int)socket32(low, AF_UNIX, SOCK_STREAM);
    want(fd >= 0);
    want_int(fcntl(fd, F_GETFD), 0);
    want_int(getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &kind, &len), 0);
    want_int(kind, AF_UNIX);
    want_int(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    fd = (int)socket32(low, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK);
    want_int(fcntl(fd, F_GETFD), FD_CLOEXEC);
    want(fcntl(fd, F_GETFL) & O_NONBLOCK);
}

static void test_old_sockets(void **state)
{
    (void)state;
    run_emulated({.command = old_sockets});
    run_emulated({.emulation = FILTER_DEVICES, .command = old_sockets});
}

static void old_sockets_insecure(void)
{
    uint32_t *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

    want(low != MAP_FAILED);
    want(socket32(low, 38, SOCK_SEQPACKET) != -EPERM);
}

static void test_old_sockets_insecure(void **state)
{
    (void)state;
    run_emulated({.insecure = true, .command = old_sockets_insecure});
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chroot),
        cmocka_unit_test(test_descriptors),
        cmocka_unit_test(test_addresses),
#ifdef __x86_64__
        cmocka_unit_test(test_old_calls),
        cmocka_unit_test(test_old_sockets),
        cmocka_unit_test(test_old_sockets_insecure),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
