/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/mem.h"
#include "base/newfile.h"
#include "base/pool.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The names in a directory, sorted, joined by spaces. */
static char *names(int dirfd)
{
    DIR *dir = fdopendir(openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    struct strlist list = {0};
    struct dirent *entry;
    while ((entry = readdir(dir)))
        if (!str_eq(entry->d_name, ".") && !str_eq(entry->d_name, ".."))
            strlist_add(&list, entry->d_name);
    closedir(dir);
    strlist_sort(&list);
    char *all = strlist_join(&list, " ");
    strlist_wipe(&list);
    return all;
}

static void check_names(int dirfd, const char *want)
{
    AUTO(mem_free) char *all = names(dirfd);
    assert_string_equal(all, want);
}

static void check_content(int dirfd, const char *name, const char *want)
{
    AUTO_VALUE(buf_wipe) struct buf text = BUF(1 << 20);
    check_ok(fs_read_file(&text, dirfd, name, NULL));
    assert_string_equal(buf_text(&text), want);
}

static void appears_at_commit(void **state)
{
    struct check_dir *dir = *state;
    for (int way = 0; way < 4; way++) {
        bool replace = way & 1, sync = way & 2;
        AUTO(sink_free) struct sink *s = NULL;
        char piece[4] = "";
        check_ok(newfile_open(&s, dir->fd, "name", 0640, replace, sync));
        check_ok(sink_write(s, "abc", 3));
        assert_int_equal(pread(newfile_fd(s), piece, 3, 0), 3);
        assert_string_equal(piece, "abc");
        assert_true(fcntl(newfile_fd(s), F_GETFD) & FD_CLOEXEC);
        assert_int_equal(faccessat(dir->fd, "name", F_OK, 0), -1);
        check_ok(sink_commit(s));
        check_names(dir->fd, "name");
        check_content(dir->fd, "name", "abc");
        assert_int_equal(unlinkat(dir->fd, "name", 0), 0);
    }
}

static void vanishes_without_commit(void **state)
{
    struct check_dir *dir = *state;
    AUTO(sink_free) struct sink *s = NULL;
    check_ok(newfile_open(&s, dir->fd, "name", 0644, true, false));
    check_ok(sink_write(s, "abc", 3));
    sink_free(TAKE(s));
    check_names(dir->fd, "");
}

static void replaces_or_not(void **state)
{
    struct check_dir *dir = *state;
    for (int replace = 0; replace < 2; replace++) {
        AUTO(sink_free) struct sink *s = NULL;
        check_ok(newfile_write(dir->fd, "name", 0644, "old", 3, false));
        check_ok(newfile_open(&s, dir->fd, "name", 0644, replace, true));
        check_ok(sink_write(s, "new", 3));
        check_ok(sink_commit(s));
        check_content(dir->fd, "name", replace ? "new" : "old");
        check_names(dir->fd, "name");
    }
    /* The link itself is replaced, not what it points to. */
    assert_int_equal(symlinkat("name", dir->fd, "link"), 0);
    check_ok(newfile_write(dir->fd, "link", 0644, "third", 5, false));
    check_content(dir->fd, "name", "new");
    check_content(dir->fd, "link", "third");
}

static void renames_before_commit(void **state)
{
    struct check_dir *dir = *state;
    AUTO(sink_free) struct sink *s = NULL;
    check_ok(fs_mkdir_all(dir->fd, "sub"));
    check_ok(newfile_open(&s, dir->fd, "sub/first", 0644, false, false));
    check_ok(sink_write(s, "abc", 3));
    newfile_rename(s, "second");
    check_ok(sink_commit(s));
    check_content(dir->fd, "sub/second", "abc");
    check_names(dir->fd, "sub");
    AUTO(mem_free) char *path = path_join(dir->path, "sub/third");
    check_ok(newfile_write(AT_FDCWD, path, 0644, "", 0, true));
    check_content(dir->fd, "sub/third", "");
}

static void has_its_mode_whatever_the_umask(void **state)
{
    struct check_dir *dir = *state;
    static const mode_t modes[] = {0644, 0600, 0666, 0755, 0444};
    mode_t before = umask(077);
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        struct stat st;
        check_ok(newfile_write(dir->fd, "name", modes[i], "x", 1, false));
        assert_int_equal(fstatat(dir->fd, "name", &st, 0), 0);
        assert_int_equal(st.st_mode & 07777, modes[i]);
    }
    umask(before);
}

static void fails_without_a_trace(void **state)
{
    struct check_dir *dir = *state;
    AUTO(sink_free) struct sink *s = NULL;
    check_ok(newfile_write(dir->fd, "file", 0644, "", 0, false));
    check_ok(fs_mkdir_all(dir->fd, "dir/full"));
    check_error(newfile_open(&s, dir->fd, "absent/name", 0644, true, false), ERR_NOT_FOUND, "open absent/: ");
    check_error(newfile_open(&s, dir->fd, "file/name", 0644, true, false), ERR_NOT_FOUND, "open file/: ");
    assert_null(s);
    struct err *e = newfile_write(dir->fd, "dir", 0644, "x", 1, false);
    assert_int_equal(err_errno(e), EISDIR);
    err_free(e);
    check_names(dir->fd, "dir file");
    /* The directory goes away meanwhile. */
    check_ok(fs_mkdir_all(dir->fd, "gone"));
    check_ok(newfile_open(&s, dir->fd, "gone/name", 0644, false, false));
    check_ok(fs_remove_tree(dir->fd, "gone"));
    check_error(sink_commit(s), ERR_NOT_FOUND, "write gone/name: ");
}

/* What a full disk does, without one. */
static void a_full_disk(void **state)
{
    struct check_dir *dir = *state;
    pid_t pid = fork();
    int status;
    if (pid == 0) {
        struct rlimit limit = {1000, 1000};
        char data[3000] = "";
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
        struct err *e = newfile_write(dir->fd, "name", 0644, data, sizeof data, false);
        bool right = e && err_kind_of(e) == ERR_RESOURCE && strstr(err_message(e), "write name: ");
        err_free(e);
        _exit(right ? 42 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WEXITSTATUS(status), 42);
    check_names(dir->fd, "");
}

static void a_killed_writer(void **state)
{
    struct check_dir *dir = *state;
    struct timespec old[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = time(NULL) - 25 * 60 * 60}};
    check_ok(newfile_write(dir->fd, "other", 0644, "", 0, false));
    for (int i = 0; i < 3; i++) {
        int status;
        pid_t pid = fork();
        if (pid == 0) {
            struct sink *s;
            if (newfile_open(&s, dir->fd, "name", 0644, true, false) || sink_write(s, "abc", 3))
                _exit(1);
            raise(SIGKILL);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
    }
    AUTO(mem_free) char *all = names(dir->fd);
    struct strlist list = {0};
    strlist_split(&list, all, ' ');
    assert_int_equal(list.count, 4);
    for (size_t i = 0; i < 3; i++)
        assert_true(str_starts(list.item[i], ".new-") && strlen(list.item[i]) == FS_NEW_NAME - 1);
    /* Young ones may be somebody's work; a directory and other names are not ours. */
    newfile_sweep(dir->fd);
    AUTO(mem_free) char *after = names(dir->fd);
    assert_string_equal(after, all);
    check_ok(fs_mkdir_all(dir->fd, ".new-x"));
    utimensat(dir->fd, ".new-x", old, 0);
    utimensat(dir->fd, "other", old, 0);
    utimensat(dir->fd, list.item[0], old, 0);
    utimensat(dir->fd, list.item[2], old, 0);
    newfile_sweep(dir->fd);
    AUTO(mem_free) char *kept = mem_printf("%s .new-x other", list.item[1]);
    check_names(dir->fd, kept);
    newfile_sweep(-1);
    strlist_wipe(&list);
}

static struct err *write_one(void *ctx, size_t i)
{
    struct check_dir *dir = ctx;
    AUTO(sink_free) struct sink *s = NULL;
    char name[16], data[20000];
    snprintf(name, sizeof name, "%zu", i / 2 % 4);
    memset(data, 'a' + (int)(i / 2 % 4), sizeof data);
    TRY(newfile_open(&s, dir->fd, name, 0644, i % 2, false));
    TRY(sink_write(s, data, sizeof data / 2));
    TRY(sink_write(s, data + sizeof data / 2, sizeof data / 2));
    return sink_commit(s);
}

static void writers_at_once(void **state)
{
    struct check_dir *dir = *state;
    int status;
    for (int i = 0; i < 2; i++)
        if (fork() == 0)
            _exit(pool_each(4, 200, write_one, dir) ? 1 : 42);
    for (int i = 0; i < 2; i++) {
        wait(&status);
        assert_int_equal(WEXITSTATUS(status), 42);
    }
    check_names(dir->fd, "0 1 2 3");
    for (int i = 0; i < 4; i++) {
        AUTO_VALUE(buf_wipe) struct buf text = BUF(1 << 20);
        char name[] = {(char)('0' + i), '\0'};
        check_ok(fs_read_file(&text, dir->fd, name, NULL));
        assert_int_equal(text.len, 20000);
        for (size_t at = 0; at < text.len; at++)
            assert_int_equal(text.data[at], 'a' + i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        check_with_dir(appears_at_commit),
        check_with_dir(vanishes_without_commit),
        check_with_dir(replaces_or_not),
        check_with_dir(renames_before_commit),
        check_with_dir(has_its_mode_whatever_the_umask),
        check_with_dir(fails_without_a_trace),
        check_with_dir(a_full_disk),
        check_with_dir(a_killed_writer),
        check_with_dir(writers_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
