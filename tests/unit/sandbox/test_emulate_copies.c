/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "emulated.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <utime.h>

/*
 * Files of a lower layer that are somebody's, each with one name ("NAME-one") and with two ("NAME",
 * "NAME-again"), copied up by each of the calls that do so: whatever inode it is then, it is theirs still;
 * and so is the other name, which stays below.
 */

static const struct timespec times[2] = {{.tv_sec = 5}, {.tv_sec = 6}};
static const struct timeval old_times[2] = {{.tv_sec = 5}, {.tv_sec = 6}};

static bool by_open(const char *name, int flags)
{
    int fd = open(name, flags, 0600);

    return fd >= 0 && close(fd) == 0;
}
static bool by_write(const char *name)
{
    return by_open(name, O_WRONLY);
}
static bool by_read_write(const char *name)
{
    return by_open(name, O_RDWR);
}
static bool by_cut(const char *name)
{
    return by_open(name, O_RDONLY | O_TRUNC);
}
static bool by_append(const char *name)
{
    return by_open(name, O_WRONLY | O_CREAT | O_APPEND);
}
static bool by_creat(const char *name)
{
    int fd = creat(name, 0600);

    return fd >= 0 && close(fd) == 0;
}
static bool by_openat2(const char *name)
{
    struct open_how how = {.flags = O_RDWR | O_CLOEXEC, .resolve = RESOLVE_BENEATH};
    long fd = syscall(SYS_openat2, AT_FDCWD, name, &how, sizeof how);

    return fd >= 0 && close((int)fd) == 0;
}
static bool by_mmap(const char *name)
{
    int fd = open(name, O_RDWR);
    char *at = fd < 0 ? MAP_FAILED : mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (at == MAP_FAILED)
        return false;
    *at = 'y';
    return munmap(at, 1) == 0 && close(fd) == 0;
}
static bool by_truncate(const char *name)
{
    return truncate(name, 0) == 0;
}
static bool by_chmod(const char *name)
{
    return chmod(name, 0640) == 0;
}
static bool by_set_id(const char *name)
{
    struct stat st;

    return chmod(name, 06755) == 0 && stat(name, &st) == 0 && (st.st_mode & 07777) == 06755;
}
/* What needs no descriptor that writes. */
static bool by_descriptor(const char *name, int (*change)(int fd))
{
    int fd = open(name, O_RDONLY);

    return fd >= 0 && change(fd) == 0 && close(fd) == 0;
}
static int change_mode(int fd)
{
    return fchmod(fd, 0700);
}
static int change_times(int fd)
{
    return futimens(fd, times);
}
static int change_attribute(int fd)
{
    return fsetxattr(fd, "user.test", "x", 1, 0);
}
static bool by_fchmod(const char *name)
{
    return by_descriptor(name, change_mode);
}
static bool by_futimens(const char *name)
{
    return by_descriptor(name, change_times);
}
static bool by_fsetxattr(const char *name)
{
    return by_descriptor(name, change_attribute) || errno == EOPNOTSUPP;
}
static bool by_fchmodat(const char *name)
{
    return fchmodat(AT_FDCWD, name, 0711, 0) == 0;
}
static bool by_fchmodat2(const char *name)
{
    return syscall(452, AT_FDCWD, name, 0711, AT_SYMLINK_NOFOLLOW) == 0 || errno == ENOSYS;
}
static bool by_proc(const char *name)
{
    int fd = open(name, O_PATH);
    char path[32];

    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return fd >= 0 && chmod(path, 0711) == 0 && close(fd) == 0;
}
static bool by_utime(const char *name)
{
    return utime(name, &(struct utimbuf){5, 6}) == 0;
}
static bool by_utimes(const char *name)
{
    return utimes(name, old_times) == 0;
}
static bool by_futimesat(const char *name)
{
    return futimesat(AT_FDCWD, name, old_times) == 0;
}
static bool by_utimensat(const char *name)
{
    return utimensat(AT_FDCWD, name, times, AT_SYMLINK_NOFOLLOW) == 0;
}
static bool by_setxattr(const char *name)
{
    return setxattr(name, "user.test", "x", 1, 0) == 0 || errno == EOPNOTSUPP;
}
static bool by_lsetxattr(const char *name)
{
    return lsetxattr(name, "user.test", "x", 1, 0) == 0 || errno == EOPNOTSUPP;
}
static bool by_chown(const char *name)
{
    return chown(name, 9, 9) == 0 && chown(name, 7, 8) == 0;
}
static bool by_same_owner(const char *name)
{
    return chown(name, (uid_t)-1, (gid_t)-1) == 0;
}
static bool by_rename(const char *name)
{
    return rename(name, "other") == 0 && rename("other", name) == 0;
}
static bool by_renameat(const char *name)
{
    return renameat(AT_FDCWD, name, AT_FDCWD, "other") == 0 && rename("other", name) == 0;
}
static bool by_exchange(const char *name)
{
    touch("new");
    return renameat2(AT_FDCWD, "new", AT_FDCWD, name, RENAME_EXCHANGE) == 0 && rename("new", name) == 0;
}
static bool by_link(const char *name)
{
    return link(name, "other") == 0 && unlink(name) == 0 && link("other", name) == 0 && unlink("other") == 0;
}
static bool by_linkat(const char *name)
{
    return linkat(AT_FDCWD, name, AT_FDCWD, "other", AT_SYMLINK_FOLLOW) == 0 && unlink(name) == 0 &&
           rename("other", name) == 0;
}

static const struct {
    const char *name;
    bool (*change)(const char *name);
} cases[] = {
    {"write", by_write},         {"read-write", by_read_write}, {"cut", by_cut},
    {"append", by_append},       {"creat", by_creat},           {"openat2", by_openat2},
    {"mmap", by_mmap},           {"truncate", by_truncate},     {"chmod", by_chmod},
    {"set-id", by_set_id},       {"fchmod", by_fchmod},         {"futimens", by_futimens},
    {"fsetxattr", by_fsetxattr}, {"fchmodat", by_fchmodat},     {"fchmodat2", by_fchmodat2},
    {"proc", by_proc},           {"utime", by_utime},           {"utimes", by_utimes},
    {"futimesat", by_futimesat}, {"utimensat", by_utimensat},   {"setxattr", by_setxattr},
    {"lsetxattr", by_lsetxattr}, {"chown", by_chown},           {"same-owner", by_same_owner},
    {"rename", by_rename},       {"renameat", by_renameat},     {"exchange", by_exchange},
    {"link", by_link},           {"linkat", by_linkat},
};
#define CASES (sizeof cases / sizeof cases[0])
#define NAME_ROOM 32

static void fill(const char *path)
{
    FILE *file = fopen(path, "w");

    if (file) {
        (void)fputs("x", file);
        (void)fclose(file);
    }
}

static void make_lower(void)
{
    char name[NAME_ROOM];

    if (chdir("tmp") != 0)
        return;
    for (size_t i = 0; i < CASES; i++) {
        fill(cases[i].name);
        (void)snprintf(name, sizeof name, "%s-again", cases[i].name);
        (void)link(cases[i].name, name);
        (void)snprintf(name, sizeof name, "%s-one", cases[i].name);
        fill(name);
    }
    fill("replaced");
    (void)link("replaced", "replaced-again");
    (void)symlink("nowhere", "symlink");
    (void)link("symlink", "symlink-again");
}

static void set_owner(struct owner_list *list, const char *name, const char *end, uint32_t type)
{
    char path[NAME_ROOM + 8];

    (void)snprintf(path, sizeof path, "tmp/%s%s", name, end);
    struct owner *owner = owner_list_add(list, path);
    owner->uid = 7;
    owner->gid = 8;
    owner->device_type = type;
    owner->device_major = 1;
    owner->device_minor = 3;
}

static void want_theirs(const char *name, const char *end)
{
    char path[NAME_ROOM];
    struct stat st;

    (void)snprintf(path, sizeof path, "%s%s", name, end);
    want_int(lstat(path, &st), 0);
    if (st.st_uid != 7 || st.st_gid != 8)
        (void)fprintf(stderr, "%s: %u:%u\n", path, st.st_uid, st.st_gid);
    want(st.st_uid == 7 && st.st_gid == 8);
}

static void use_lower(void)
{
    char name[NAME_ROOM];
    struct stat st;

    want_int(chdir("/tmp"), 0);
    for (size_t i = 0; i < CASES; i++) {
        for (int one = 0; one < 2; one++) {
            (void)snprintf(name, sizeof name, "%s%s", cases[i].name, one ? "-one" : "");
            want_theirs(name, "");
            if (!cases[i].change(name))
                (void)fprintf(stderr, "%s:\n", name);
            else
                errno = 0;
            want_int(errno, 0);
            want_theirs(name, "");
        }
        want_theirs(cases[i].name, "-again");
    }
    want_int(utimensat(AT_FDCWD, "symlink", times, AT_SYMLINK_NOFOLLOW), 0);
    want_theirs("symlink", "");
    want_theirs("symlink", "-again");
    /* A new file by the name of one is its maker's. */
    touch("new");
    want_int(rename("new", "replaced"), 0);
    want(lstat("replaced", &st) == 0 && st.st_uid == 0);
    want_theirs("replaced", "-again");
    want_int(unlink("replaced-again"), 0);
    touch("replaced-again");
    want(lstat("replaced-again", &st) == 0 && st.st_uid == 0);
}

static bool see_theirs(struct emulate *e)
{
    char path[NAME_ROOM + 8];
    struct stat st;
    bool recorded;

    for (size_t i = 0; i < CASES; i++) {
        (void)snprintf(path, sizeof path, "/tmp/%s", cases[i].name);
        if (emulate_stat(e, AT_FDCWD, path, &st, &recorded) != 0 || !recorded || st.st_uid != 7)
            return false;
    }
    return emulate_minds_copies(e);
}

static void list_owners(struct owner_list *owners, uint32_t type)
{
    for (size_t i = 0; i < CASES; i++) {
        set_owner(owners, cases[i].name, "", type);
        set_owner(owners, cases[i].name, "-again", type);
        set_owner(owners, cases[i].name, "-one", type);
    }
    set_owner(owners, "replaced", "", type);
    set_owner(owners, "replaced", "-again", type);
    set_owner(owners, "symlink", "", 0);
    set_owner(owners, "symlink", "-again", 0);
}

static void test_copies(void **state)
{
    AUTO_VALUE(owner_list_wipe) struct owner_list owners = {0};

    (void)state;
    list_owners(&owners, 0);
    run_emulated({.overlay = true,
                  .prepare = make_lower,
                  .owners = &owners,
                  .copies = true,
                  .command = use_lower,
                  .after = see_theirs});
}

/* Where owners are real, devices are kept in the same way. */
static void use_devices(void)
{
    struct stat st;

    want_int(chdir("/tmp"), 0);
    for (size_t i = 0; i < CASES; i++) {
        if (cases[i].change == by_chmod || cases[i].change == by_write || cases[i].change == by_rename)
            want(cases[i].change(cases[i].name));
    }
    want(lstat("rename-again", &st) == 0 && S_ISREG(st.st_mode));
}

static bool see_devices(struct emulate *e)
{
    static const char *const paths[] = {"/tmp/chmod", "/tmp/write", "/tmp/rename", "/tmp/rename-again"};
    struct stat st;

    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        if (emulate_stat(e, AT_FDCWD, paths[i], &st, NULL) != 0 || !S_ISCHR(st.st_mode) ||
            st.st_rdev != makedev(1, 3))
            return false;
    }
    return true;
}

static void test_devices(void **state)
{
    AUTO_VALUE(owner_list_wipe) struct owner_list owners = {0};

    (void)state;
    list_owners(&owners, S_IFCHR);
    run_emulated({.overlay = true,
                  .prepare = make_lower,
                  .owners = &owners,
                  .emulation = FILTER_DEVICES,
                  .copies = true,
                  .command = use_devices,
                  .after = see_devices});
}

/* Nobody need ask where no file has several names. */
static void make_single(void)
{
    touch("tmp/one");
}
static void use_single(void)
{
    want_int(chmod("/tmp/one", 0600), 0);
}
static bool see_single(struct emulate *e)
{
    return !emulate_minds_copies(e) && !emulate_minds_copies(NULL);
}

static void test_single(void **state)
{
    AUTO_VALUE(owner_list_wipe) struct owner_list owners = {0};

    (void)state;
    set_owner(&owners, "one", "", 0);
    run_emulated({.overlay = true,
                  .prepare = make_single,
                  .owners = &owners,
                  .command = use_single,
                  .after = see_single});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_devices),
        cmocka_unit_test(test_single),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
