/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/mem.h"
#include "base/newfile.h"
#include "base/trim.h"

#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Files a, b, c, … of 100 bytes each, of which a is oldest. */
static void plant(const struct check_dir *dir)
{
    static const char bytes[100];
    char path[] = "d/a";

    (void)mkdirat(dir->fd, "d", 0755);
    (void)mkdirat(dir->fd, "d/folder", 0755);
    for (int i = 0; i < 5; i++) {
        path[2] = (char)('a' + i);
        check_ok(newfile_write(dir->fd, path, 0644, bytes, sizeof bytes, false));
        struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 1000 + i / 2, .tv_nsec = i % 2}};
        assert_int_equal(utimensat(dir->fd, path, times, 0), 0);
    }
    check_ok(newfile_write(dir->fd, "d/" FS_NEW_PREFIX "0123456789abcdef", 0644, bytes, sizeof bytes, false));
}

static void the_oldest_go(void **state)
{
    static const struct {
        uint64_t keep, freed;
        const char *left;
    } cases[] = {
        {UINT64_MAX, 0, "abcde"}, {500, 0, "abcde"}, {499, 100, "bcde"},
        {250, 300, "de"},         {99, 500, ""},     {0, 500, ""},
    };
    const struct check_dir *dir = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint64_t freed = 7;
        plant(dir);
        check_ok(trim_dir(dir->fd, "d", cases[i].keep, &freed));
        assert_int_equal(freed, cases[i].freed);
        for (char name = 'a'; name <= 'e'; name++) {
            char path[] = {'d', '/', name, '\0'};
            bool there = faccessat(dir->fd, path, F_OK, 0) == 0;
            assert_int_equal(there, strchr(cases[i].left, name) != NULL);
        }
        assert_int_equal(faccessat(dir->fd, "d/folder", F_OK, 0), 0);
        assert_int_equal(faccessat(dir->fd, "d/" FS_NEW_PREFIX "0123456789abcdef", F_OK, 0), 0);
    }
}

static void nothing_to_trim(void **state)
{
    const struct check_dir *dir = *state;
    uint64_t freed = 7;

    check_ok(trim_dir(dir->fd, "absent", 0, &freed));
    assert_int_equal(freed, 0);
    check_ok(newfile_write(dir->fd, "file", 0644, "x", 1, false));
    check_ok(trim_dir(dir->fd, "file", 0, NULL));
    assert_int_equal(faccessat(dir->fd, "file", F_OK, 0), 0);
}

/* What is used last stays, and the next call has nothing to do. */
static void below_a_size(void **state)
{
    const struct check_dir *dir = *state;
    struct stat st;

    plant(dir);
    trim_mark_used(dir->fd, "d/a");
    assert_int_equal(fstatat(dir->fd, "d/a", &st, 0), 0);
    assert_true(st.st_mtime > 100000);
    trim_mark_used(dir->fd, "d/absent");
    check_ok(trim_below(dir->fd, "d", 500));
    assert_int_equal(faccessat(dir->fd, "d/b", F_OK, 0), 0);
    check_ok(trim_below(dir->fd, "d", 400));
    for (char name = 'a'; name <= 'e'; name++) {
        char path[] = {'d', '/', name, '\0'};
        assert_int_equal(faccessat(dir->fd, path, F_OK, 0) == 0, strchr("ade", name) != NULL);
    }
    check_ok(trim_below(dir->fd, "d", 400));
    assert_int_equal(faccessat(dir->fd, "d/d", F_OK, 0), 0);

    /* Marked once a day. */
    struct timespec hour_ago[2] = {{.tv_sec = time(NULL) - 3600}, {.tv_sec = time(NULL) - 3600}};
    assert_int_equal(utimensat(dir->fd, "d/a", hour_ago, 0), 0);
    trim_mark_used(dir->fd, "d/a");
    assert_int_equal(fstatat(dir->fd, "d/a", &st, 0), 0);
    assert_int_equal(st.st_mtime, hour_ago[1].tv_sec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        check_with_dir(the_oldest_go),
        check_with_dir(nothing_to_trim),
        check_with_dir(below_a_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
