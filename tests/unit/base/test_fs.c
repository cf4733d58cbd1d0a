/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static void put(int dirfd, const char *path, const char *text)
{
    AUTO(fd_close) int fd = openat(dirfd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static size_t entries(int dirfd)
{
    DIR *dir = fdopendir(openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    size_t count = 0;
    while (readdir(dir))
        count++;
    closedir(dir);
    return count - 2;
}

/* in/ is the directory that must not be left; out/ and top are beside it. */
static void make_maze(int fd)
{
    static const char *const links[][2] = {
        {"file", "in/same"},           {"../top", "in/up"},
        {"/etc/passwd", "in/abs"},     {"../in/file", "in/roundabout"},
        {"sub/../file", "in/winding"}, {"sub", "in/dirlink"},
        {"../out", "in/outdir"},       {"/file", "in/rooted"},
        {"loop", "in/loop"},           {"/proc/self/root", "in/magic"},
        {"absent", "in/dangling"},
    };
    check_ok(fs_mkdir_all(fd, "in/sub"));
    check_ok(fs_mkdir_all(fd, "out"));
    put(fd, "top", "top");
    put(fd, "in/file", "inside");
    put(fd, "in/sub/deep", "deep");
    put(fd, "out/secret", "secret");
    for (size_t i = 0; i < ARRAY_LEN(links); i++)
        assert_int_equal(symlinkat(links[i][0], fd, links[i][1]), 0);
}

static void stays_beneath(void **state)
{
    struct check_dir *dir = *state;
    static const struct {
        const char *path;
        int beneath, in_root; /* errno, 0: opens */
    } rows[] = {
        {"file", 0, 0},
        {"sub/deep", 0, 0},
        {"./sub/.././file", 0, 0},
        {"same", 0, 0},
        {"winding", 0, 0},
        {"dirlink/deep", 0, 0},
        {"../in/file", EXDEV, ENOENT},
        {"../top", EXDEV, ENOENT},
        {"/file", EXDEV, 0},
        {"/etc/passwd", EXDEV, ENOENT},
        {"up", EXDEV, ENOENT},
        {"abs", EXDEV, ENOENT},
        {"roundabout", EXDEV, ENOENT},
        {"outdir/secret", EXDEV, ENOENT},
        {"rooted", EXDEV, 0},
        {"loop", ELOOP, ELOOP},
        {"magic/etc/passwd", EXDEV, ENOENT},
        {"dangling", ENOENT, ENOENT},
        {"absent", ENOENT, ENOENT},
        {"file/x", ENOTDIR, ENOTDIR},
        {"", ENOENT, ENOENT},
    };
    make_maze(dir->fd);
    AUTO(fd_close) int in = -1;
    check_ok(fs_open(&in, dir->fd, "in", O_PATH | O_DIRECTORY, 0));
    for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
        bool beneath = i % 2;
        int want = beneath ? rows[i / 2].beneath : rows[i / 2].in_root;
        AUTO(fd_close) int fd = -1;
        AUTO(err_free)
        struct err *e = (beneath ? fs_open_beneath : fs_open_in_root)(&fd, in, rows[i / 2].path, O_RDONLY, 0);
        if ((e ? err_errno(e) : 0) != want)
            fail_msg("%s %s: %s", beneath ? "beneath" : "in root", rows[i / 2].path,
                     e ? err_message(e) : "opens");
        assert_int_equal(fd < 0, want != 0);
        if (want == EXDEV) {
            assert_int_equal(err_kind_of(e), ERR_INPUT);
            assert_non_null(err_hint_of(e));
        }
    }
}

static void creates_beneath(void **state)
{
    struct check_dir *dir = *state;
    struct stat st;
    AUTO(fd_close) int in = -1;
    AUTO(fd_close) int fd = -1;
    make_maze(dir->fd);
    check_ok(fs_open(&in, dir->fd, "in", O_RDONLY | O_DIRECTORY, 0));
    check_ok(fs_open_beneath(&fd, in, "sub/new", O_WRONLY | O_CREAT | O_EXCL, 0600));
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    int other = -1;
    check_error(fs_open_beneath(&other, in, "outdir/new", O_WRONLY | O_CREAT, 0600), ERR_INPUT,
                "open outdir/new: ");
    check_error(fs_open_beneath(&other, in, "up", O_WRONLY | O_TRUNC, 0600), ERR_INPUT, "open up: ");
    check_error(fs_open_beneath(&other, in, "file", O_WRONLY | O_CREAT | O_EXCL, 0600), ERR_CONFLICT,
                "open file: ");
    assert_int_equal(fstatat(dir->fd, "top", &st, 0), 0);
    assert_int_equal(st.st_size, 3);
    assert_int_equal(fstatat(dir->fd, "out/new", &st, 0), -1);
    /* A mode without a reason to have one is not passed on: openat2 would refuse it. */
    check_ok(fs_open_beneath(&other, in, "file", O_RDONLY, 0644));
    fd_close(other);
}

static void names_are_safe_in_messages(void **state)
{
    struct check_dir *dir = *state;
    int fd = -1;
    check_error(fs_open(&fd, dir->fd, "a\x1b[31mb\n", O_RDONLY, 0), ERR_NOT_FOUND, "open a\\x1b[31mb\\x0a: ");
    assert_int_equal(fd, -1);
}

static void makes_directories(void **state)
{
    struct check_dir *dir = *state;
    static const struct {
        const char *path;
        const char *result; /* NULL: an error */
    } rows[] = {
        {"a/b/c", "a/b/c"}, {"a/b/c", "a/b/c"}, {"a//d/", "a/d"},     {"./e", "e"},
        {"a/../f", "f"},    {"link/g", "a/g"},  {".", "."},           {"file", NULL},
        {"file/x", NULL},   {"", NULL},         {"dangling/x", NULL}, {"dangling", NULL},
    };
    put(dir->fd, "file", "");
    assert_int_equal(symlinkat("a", dir->fd, "link"), 0);
    assert_int_equal(symlinkat("absent", dir->fd, "dangling"), 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct stat st;
        AUTO(fd_close) int fd = -1;
        AUTO(err_free) struct err *e = fs_mkdir_open(&fd, dir->fd, rows[i].path);
        if (!e != (rows[i].result != NULL))
            fail_msg("%s: %s", rows[i].path, e ? err_message(e) : "made");
        assert_int_equal(fd < 0, e != NULL);
        if (!rows[i].result)
            continue;
        assert_int_equal(fstatat(dir->fd, rows[i].result, &st, AT_SYMLINK_NOFOLLOW), 0);
        assert_true(S_ISDIR(st.st_mode));
        assert_int_equal(st.st_mode & 07777, 0700);
    }
    AUTO(mem_free) char *absolute = path_join(dir->path, "x/y");
    check_ok(fs_mkdir_all(-1, absolute));
    check_ok(fs_mkdir_all(-1, "/"));
}

static void reads_files(void **state)
{
    struct check_dir *dir = *state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    put(dir->fd, "file", "0123456789");
    assert_int_equal(mkfifoat(dir->fd, "fifo", 0600), 0);
    assert_int_equal(mkdirat(dir->fd, "dir", 0700), 0);
    AUTO(fd_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", dir->path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);

    static const struct {
        const char *path;
        size_t max;
        int kind; /* -1: reads */
        const char *part;
    } rows[] = {
        {"file", 100, -1, "0123456789"},
        {"file", 10, -1, "0123456789"},
        {"file", 9, ERR_RESOURCE, "file is larger than 9 bytes"},
        {"file", 0, ERR_RESOURCE, "file is larger than 0 bytes"},
        {"fifo", 100, ERR_INPUT, "read fifo: it is a pipe or a device, not a regular file"},
        {"dir", 100, ERR_INPUT, "read dir: it is a directory"},
        {"socket", 100, ERR_INPUT, "open socket: "},
        {"/dev/null", 100, ERR_INPUT, "a device"},
        {"absent", 100, ERR_NOT_FOUND, "open absent: "},
        {"file/x", 100, ERR_NOT_FOUND, "open file/x: "},
        {"/proc/self/stat", 1 << 16, -1, "("}, /* its size is said to be 0 */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_VALUE(buf_wipe) struct buf out = BUF(rows[i].max);
        struct err *e = fs_read_file(&out, dir->fd, rows[i].path, NULL);
        if (rows[i].kind < 0) {
            check_ok(e);
            assert_non_null(strstr(buf_text(&out), rows[i].part));
        } else {
            check_error(e, (enum err_kind)rows[i].kind, rows[i].part);
        }
        bool found = i % 2;
        AUTO_VALUE(buf_wipe) struct buf again = BUF(rows[i].max);
        e = fs_read_file(&again, dir->fd, rows[i].path, &found);
        if (rows[i].kind < 0 || rows[i].kind == ERR_NOT_FOUND) {
            check_ok(e);
            assert_int_equal(found, rows[i].kind < 0);
        } else {
            check_error(e, (enum err_kind)rows[i].kind, rows[i].part);
        }
    }
}

static void reads_files_beneath(void **state)
{
    struct check_dir *dir = *state;
    AUTO(fd_close) int top = -1;
    put(dir->fd, "secret", "secret");
    assert_int_equal(mkdirat(dir->fd, "top", 0700), 0);
    check_ok(fs_open(&top, dir->fd, "top", O_RDONLY | O_DIRECTORY, 0));
    put(top, "file", "0123456789");
    assert_int_equal(symlinkat("file", top, "in"), 0);
    assert_int_equal(symlinkat("../secret", top, "out"), 0);
    assert_int_equal(symlinkat("/etc/passwd", top, "absolute"), 0);
    assert_int_equal(symlinkat("nowhere", top, "dangling"), 0);
    static const struct {
        const char *path;
        int kind; /* -1: reads; -2: is not there */
    } rows[] = {{"file", -1},     {"in", -1},    {"out", ERR_INPUT}, {"absolute", ERR_INPUT},
                {"dangling", -2}, {"absent", -2}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_VALUE(buf_wipe) struct buf out = BUF(100);
        bool found = true;
        struct err *e = fs_read_file_beneath(&out, top, rows[i].path, &found);
        if (rows[i].kind >= 0) {
            check_error(e, (enum err_kind)rows[i].kind, "a link that leads out of its directory");
            continue;
        }
        check_ok(e);
        assert_int_equal(found, rows[i].kind == -1);
        assert_string_equal(buf_text(&out), found ? "0123456789" : "");
    }
}

static void removes_trees(void **state)
{
    struct check_dir *dir = *state;
    make_maze(dir->fd);
    check_ok(fs_mkdir_all(dir->fd, "in/closed/x"));
    put(dir->fd, "in/closed/x/y", "");
    assert_int_equal(mkfifoat(dir->fd, "in/fifo", 0), 0);
    assert_int_equal(fchmodat(dir->fd, "in/closed/x", 0, 0), 0);
    assert_int_equal(fchmodat(dir->fd, "in/closed", 0500, 0), 0);
    check_ok(fs_remove_tree(dir->fd, "in/outdir"));
    check_ok(fs_remove_tree(dir->fd, "in"));
    check_ok(fs_remove_tree(dir->fd, "in"));
    check_ok(fs_remove_tree(dir->fd, "in/absent"));
    assert_int_equal(faccessat(dir->fd, "out/secret", F_OK, 0), 0);
    assert_int_equal(entries(dir->fd), 2);
    check_ok(fs_remove_tree(dir->fd, "top"));
    check_ok(fs_remove_tree(dir->fd, "out"));
    assert_int_equal(entries(dir->fd), 0);
    check_error(fs_remove_tree(AT_FDCWD, "/proc/self"), ERR_DENIED, "remove /proc/self");
}

static void removes_deep_trees(void **state)
{
    struct check_dir *dir = *state;
    int fd = fcntl(dir->fd, F_DUPFD_CLOEXEC, 3);
    /* Far beyond PATH_MAX and the number of descriptors that may be open. */
    for (int depth = 0; depth < 3000; depth++) {
        assert_int_equal(mkdirat(fd, "deep", 0700), 0);
        put(fd, ".deep-0", "in the way");
        put(fd, "file", "");
        int next = openat(fd, "deep", O_PATH | O_DIRECTORY | O_CLOEXEC);
        assert_true(next >= 0);
        fd_close(fd);
        fd = next;
    }
    fd_close(fd);
    check_ok(fs_remove_tree(dir->fd, "deep"));
    assert_int_equal(entries(dir->fd), 2);
}

static void removes_wide_trees(void **state)
{
    struct check_dir *dir = *state;
    check_ok(fs_mkdir_all(dir->fd, "wide"));
    for (int i = 0; i < 2000; i++) {
        char name[32];
        snprintf(name, sizeof name, "wide/%d", i);
        if (i % 3)
            put(dir->fd, name, "");
        else
            check_ok(fs_mkdir_all(dir->fd, name));
    }
    check_ok(fs_remove_tree(dir->fd, "wide"));
    assert_int_equal(entries(dir->fd), 0);
}

static void temporary_files(void **state)
{
    struct check_dir *dir = *state;
    AUTO(fd_close) int fd = -1;
    struct stat st;
    char a[FS_NEW_NAME], b[FS_NEW_NAME];
    check_ok(fs_temp(&fd, dir->fd));
    check_ok(fd_write(fd, "abc", 3, "it"));
    assert_int_equal(pread(fd, a, 3, 0), 3);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_nlink, 0);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(entries(dir->fd), 0);
    /* /proc knows no O_TMPFILE, and no other files. */
    AUTO(fd_close) int proc = open("/proc", O_PATH | O_CLOEXEC);
    int none = -1;
    AUTO(err_free) struct err *e = fs_temp(&none, proc);
    assert_non_null(e);
    assert_int_equal(none, -1);

    fs_new_name(a);
    fs_new_name(b);
    assert_int_equal(strlen(a), FS_NEW_NAME - 1);
    assert_int_equal(strncmp(a, ".new-", 5), 0);
    assert_string_not_equal(a, b);
}

static void locks(void **state)
{
    struct check_dir *dir = *state;
    static const struct {
        bool first, second, got;
    } rows[] = {{false, false, true}, {false, true, false}, {true, false, false}, {true, true, false}};
    put(dir->fd, "lock", "");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(fd_close) int a = openat(dir->fd, "lock", O_RDONLY | O_CLOEXEC);
        AUTO(fd_close) int b = openat(dir->fd, "lock", O_RDONLY | O_CLOEXEC);
        bool got = false;
        check_ok(fs_lock(a, rows[i].first, true, &got));
        assert_true(got);
        check_ok(fs_lock(b, rows[i].second, false, &got));
        assert_int_equal(got, rows[i].got);
        fd_close(fd_take(&a));
        check_ok(fs_lock(b, rows[i].second, true, NULL));
    }
    check_error(fs_lock(-1, true, true, NULL), ERR_INTERNAL, "lock: ");
}

static void descriptors(void **state)
{
    (void)state;
    int fd = 7;
    assert_int_equal(fd_take(&fd), 7);
    assert_int_equal(fd, -1);
    errno = ENOSPC;
    fd_close(-1);
    assert_int_equal(errno, ENOSPC);
}

static void joins_paths(void **state)
{
    static const struct {
        const char *a, *b, *want;
    } rows[] = {
        {"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"a", "/b", "/b"}, {"", "b", "b"},
        {"a", "", "a"},    {"", "", ""},       {"/", "b", "/b"},  {"a/b", "c/d", "a/b/c/d"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(mem_free) char *path = path_join(rows[i].a, rows[i].b);
        assert_string_equal(path, rows[i].want);
    }
}

static void cleans_paths(void **state)
{
    static const char *const rows[][2] = {
        {"", "."},
        {".", "."},
        {"./", "."},
        {"..", ".."},
        {"/", "/"},
        {"//", "/"},
        {"///a", "/a"},
        {"/..", "/"},
        {"/../a", "/a"},
        {"/../../..", "/"},
        {"a", "a"},
        {"a/", "a"},
        {"a//b", "a/b"},
        {"a/./b/.", "a/b"},
        {"a/..", "."},
        {"a/../..", ".."},
        {"a/../../b", "../b"},
        {"../..", "../.."},
        {"../../a/../b", "../../b"},
        {"/a/b/../../..", "/"},
        {"/a/b/../c", "/a/c"},
        {"a/b/../../c", "c"},
        {"...", "..."},
        {"a/.../b", "a/.../b"},
        {"..a", "..a"},
        {"a..", "a.."},
        {"../a/../..", "../.."},
        {"/./", "/"},
        {"ab/cd/../ef/", "ab/ef"},
        {"a/b/c/../../../..", ".."},
        {"/a/", "/a"},
        {"./../a", "../a"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(mem_free) char *path = path_clean(rows[i][0]);
        if (strcmp(path, rows[i][1]) != 0)
            fail_msg("%s: expected %s, found %s", rows[i][0], rows[i][1], path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        check_with_dir(stays_beneath),
        check_with_dir(creates_beneath),
        check_with_dir(names_are_safe_in_messages),
        check_with_dir(makes_directories),
        check_with_dir(reads_files),
        check_with_dir(reads_files_beneath),
        check_with_dir(removes_trees),
        check_with_dir(removes_deep_trees),
        check_with_dir(removes_wide_trees),
        check_with_dir(temporary_files),
        check_with_dir(locks),
        cmocka_unit_test(descriptors),
        cmocka_unit_test(joins_paths),
        cmocka_unit_test(cleans_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
