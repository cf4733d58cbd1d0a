/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/newfile.h"
#include "base/str.h"
#include "builder/usage.h"
#include "layers/cachelimit.h"
#include "layers/indexfile.h"
#include "layers/memo.h"
#include "layers/unpacked.h"
#include "registry/journal.h"

#include <sys/stat.h>
#include <unistd.h>

/* What is chosen: letters of the entries, in order. `used` is the place in the text. */
static const struct {
    const char *about;
    struct {
        enum usage_kind kind;
        unsigned bytes, used;
        const char *flags; /* "u" in use, "n" not picked, "x" useless */
        const char *layer;
    } entry[6];
    struct usage_policy policy;
    const char *chosen;
} choices[] = {
    {"nothing to do",
     {{USAGE_UNPACKED, 500, 1, "", NULL}, {USAGE_INDEX, 500, 2, "", NULL}},
     {.keep = 1000},
     ""},
    {"the oldest first",
     {{USAGE_UNPACKED, 500, 2, "", NULL}, {USAGE_UNPACKED, 500, 1, "", NULL}},
     {.keep = 600},
     "b"},
    {"all",
     {{USAGE_UNPACKED, 0, 2, "", NULL}, {USAGE_INDEX, 5, 1, "", NULL}, {USAGE_MOUNTS, 5, 1, "", NULL}},
     {0},
     "abc"},
    {"not what is used, or not meant",
     {{USAGE_UNPACKED, 500, 1, "u", NULL},
      {USAGE_UNPACKED, 500, 2, "n", NULL},
      {USAGE_UNPACKED, 500, 3, "", NULL}},
     {.keep = 1000},
     "c"},
    {"a quarter is for small ones",
     {{USAGE_INDEX, 200, 1, "", NULL},
      {USAGE_INDEX, 200, 2, "", NULL},
      {USAGE_UNPACKED, 600, 3, "", NULL},
      {USAGE_UNPACKED, 700, 4, "", NULL}},
     {.keep = 1000},
     "ac"},
    {"small ones alone may have all of it", {{USAGE_INDEX, 900, 1, "", NULL}}, {.keep = 1000}, ""},
    {"caches of RUN apart",
     {{USAGE_MOUNTS, 600, 1, "", NULL}, {USAGE_MOUNTS, 600, 2, "", NULL}, {USAGE_UNPACKED, 1, 3, "", NULL}},
     {.keep = 0, .mounts_apart = true, .keep_mounts = 1000},
     "ac"},
    {"caches of RUN with the others",
     {{USAGE_MOUNTS, 600, 1, "", NULL}, {USAGE_UNPACKED, 600, 2, "", NULL}},
     {.keep = 1000},
     "a"},
    {"steps go with their layers",
     {{USAGE_STEPS, 1, 9, "", "sha256:aa"},
      {USAGE_STEPS, 1, 9, "", "sha256:bb"},
      {USAGE_STEPS, 1, 9, "", NULL},
      {USAGE_STEPS, 1, 9, "n", "sha256:aa"},
      {USAGE_UNPACKED, 500, 1, "", "sha256:aa"},
      {USAGE_UNPACKED, 500, 2, "", "sha256:bb"}},
     {.keep = 900},
     "ae"},
    {"what is useless always",
     {{USAGE_UNPACKED, 500, 9, "x", "sha256:aa"},
      {USAGE_STEPS, 1, 9, "x", NULL},
      {USAGE_STEPS, 1, 9, "", "sha256:aa"}},
     {.keep = UINT64_MAX},
     "abc"},
    {"blobs that no name needs",
     {{USAGE_BLOBS, 500, 9, "", NULL}, {USAGE_BLOBS, 500, 1, "u", NULL}, {USAGE_BLOBS, 500, 1, "n", NULL}},
     {.keep = UINT64_MAX},
     "a"},
};

static void what_goes(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(choices); i++) {
        AUTO_VALUE(usage_wipe) struct usage u = {0};
        char found[8] = "";
        for (size_t k = 0; k < 6 && choices[i].entry[k].flags; k++) {
            struct usage_entry *e =
                usage_add(&u, choices[i].entry[k].kind, mem_printf("%c", (char)('a' + k)));
            e->bytes = choices[i].entry[k].bytes;
            e->used.tv_sec = choices[i].entry[k].used;
            e->in_use = str_eq(choices[i].entry[k].flags, "u");
            e->picked = !str_eq(choices[i].entry[k].flags, "n");
            e->useless = str_eq(choices[i].entry[k].flags, "x");
            e->layer = mem_strdup(choices[i].entry[k].layer);
        }
        usage_choose(&u, &choices[i].policy);
        for (size_t k = 0, at = 0; k < u.count; k++)
            if (u.item[k].chosen)
                found[at++] = u.item[k].id[0];
        if (!str_eq(found, choices[i].chosen))
            fail_msg("%s: chosen are \"%s\"", choices[i].about, found);
    }
}

/* A file of so many bytes, used so many seconds ago. */
static void plant(const struct check_dir *dir, const char *path, size_t bytes, int64_t age)
{
    AUTO(mem_free) char *data = mem_zero(bytes + 1, 1);
    AUTO(mem_free) char *folder = mem_strdup(path);
    const struct timespec times[2] = {{.tv_sec = clock_unix() - age}, {.tv_sec = clock_unix() - age}};
    *strrchr(folder, '/') = '\0';
    check_ok(fs_mkdir_all(dir->fd, folder));
    check_ok(newfile_write(dir->fd, path, 0600, data, bytes, false));
    assert_int_equal(utimensat(dir->fd, path, times, 0), 0);
}

static void steps_go_with_the_last_blob(void **state)
{
    (void)state;
    for (int both = 0; both < 2; both++) {
        AUTO_VALUE(usage_wipe) struct usage u = {0};
        struct usage_entry *e = usage_add(&u, USAGE_STEPS, mem_strdup("steps/a"));
        e->picked = true;
        e->layer = mem_strdup("sha256:aa");
        strlist_add(&e->blobs, "sha256:bb");
        if (both)
            strlist_add(&e->blobs, "sha256:cc");
        usage_add(&u, USAGE_BLOBS, mem_strdup("sha256:bb"))->picked = true;
        usage_add(&u, USAGE_BLOBS, mem_strdup("sha256:cc"))->in_use = true;
        usage_choose(&u, &(const struct usage_policy){.keep = UINT64_MAX});
        assert_true(u.item[1].chosen);
        assert_int_equal(u.item[0].chosen, !both);
    }
}

static bool is_there(const struct check_dir *dir, const char *path)
{
    return faccessat(dir->fd, path, F_OK, 0) == 0;
}

static void an_upload_under_way_stays(void **state)
{
    const struct check_dir *dir = *state;
    AUTO_VALUE(usage_wipe) struct usage u = {0};
    AUTO(fd_close) int fd = -1;
    uint64_t freed = 0;
    plant(dir, JOURNAL_FOLDER "/a", 100, 10);
    plant(dir, JOURNAL_FOLDER "/b", 100, 10);
    check_ok(usage_read(&u, dir->path, NULL, false));
    assert_int_equal(u.count, 2);
    for (size_t i = 0; i < u.count; i++)
        u.item[i].picked = true;
    usage_choose(&u, &(const struct usage_policy){0});
    /* It began after we looked. */
    check_ok(fs_open(&fd, dir->fd, JOURNAL_FOLDER "/b", O_RDONLY, 0));
    check_ok(fs_lock(fd, true, true, NULL));
    check_ok(usage_remove(&u, dir->path, NULL, &freed));
    assert_int_equal(freed, 100);
    assert_false(is_there(dir, JOURNAL_FOLDER "/a"));
    assert_true(is_there(dir, JOURNAL_FOLDER "/b"));
}

static void damaged_records_are_useless(void **state)
{
    const struct check_dir *dir = *state;
    AUTO_VALUE(usage_wipe) struct usage u = {0};
    AUTO(mem_free) char *name = mem_printf("steps/%064d", 1);
    plant(dir, name, 100, 10);
    plant(dir, "steps/other", 100, 10);
    check_ok(usage_read(&u, dir->path, NULL, false));
    assert_int_equal(u.count, 2);
    assert_true(u.item[0].useless && u.item[1].useless);
}

static void set_time_of_stamp(const struct check_dir *dir, int64_t age)
{
    const struct timespec times[2] = {{.tv_sec = clock_unix() - age}, {.tv_sec = clock_unix() - age}};
    assert_int_equal(utimensat(dir->fd, "limit", times, 0), 0);
}

static void the_limit_is_kept(void **state)
{
    const struct check_dir *dir = *state;
    struct stat before, after;
    assert_int_equal(setenv(CACHELIMIT_ENV, "1000", 1), 0);
    plant(dir, INDEXFILE_FOLDER "/a", 400, 300);
    plant(dir, MEMO_FOLDER "/b", 400, 200);
    usage_limit(dir->path, NULL);
    assert_true(is_there(dir, INDEXFILE_FOLDER "/a"));
    /* Nothing to do: it is not looked at again within the hour. */
    plant(dir, INDEXFILE_FOLDER "/c", 400, 100);
    set_time_of_stamp(dir, 3000);
    assert_int_equal(fstatat(dir->fd, "limit", &before, 0), 0);
    usage_limit(dir->path, NULL);
    assert_int_equal(fstatat(dir->fd, "limit", &after, 0), 0);
    assert_int_equal(before.st_mtim.tv_sec, after.st_mtim.tv_sec);
    assert_true(is_there(dir, INDEXFILE_FOLDER "/a"));
    /* Later; a clock that was set back counts too. */
    set_time_of_stamp(dir, 3601);
    usage_limit(dir->path, NULL);
    assert_false(is_there(dir, INDEXFILE_FOLDER "/a"));
    assert_true(is_there(dir, MEMO_FOLDER "/b") && is_there(dir, INDEXFILE_FOLDER "/c"));
    plant(dir, INDEXFILE_FOLDER "/d", 400, 10);
    set_time_of_stamp(dir, -100);
    usage_limit(dir->path, NULL);
    assert_false(is_there(dir, MEMO_FOLDER "/b"));
    /* Another limit. */
    assert_int_equal(setenv(CACHELIMIT_ENV, "450", 1), 0);
    usage_limit(dir->path, NULL);
    assert_true(is_there(dir, INDEXFILE_FOLDER "/d") && !is_there(dir, INDEXFILE_FOLDER "/c"));
    assert_int_equal(unsetenv(CACHELIMIT_ENV), 0);
}

static void the_limit_never_fails(void **state)
{
    const struct check_dir *dir = *state;
    AUTO(fd_close) int fd = -1;
    AUTO(mem_free) char *absent = path_join(dir->path, "absent");
    assert_int_equal(setenv(CACHELIMIT_ENV, "0", 1), 0);
    usage_limit(absent, NULL);
    plant(dir, INDEXFILE_FOLDER "/a", 400, 300);
    /* Somebody else looks. */
    check_ok(newfile_write(dir->fd, "limit", 0600, "?", 1, false));
    check_ok(fs_open(&fd, dir->fd, "limit", O_RDWR, 0));
    check_ok(fs_lock(fd, true, true, NULL));
    usage_limit(dir->path, NULL);
    assert_true(is_there(dir, INDEXFILE_FOLDER "/a"));
    fd_close(fd_take(&fd));
    assert_int_equal(setenv(CACHELIMIT_ENV, "none", 1), 0);
    usage_limit(dir->path, NULL);
    assert_true(is_there(dir, INDEXFILE_FOLDER "/a"));
    assert_int_equal(setenv(CACHELIMIT_ENV, "0", 1), 0);
    usage_limit(dir->path, NULL); /* the stamp is damaged: it counts for nothing */
    assert_false(is_there(dir, INDEXFILE_FOLDER "/a"));
    assert_int_equal(unsetenv(CACHELIMIT_ENV), 0);
}

static void limits(void **state)
{
    static const char *const wrong[] = {"much", "0%", "101%", "%", "-1", "10 gb"};
    const struct check_dir *dir = *state;
    uint64_t tenth = 0, fifth = 0, bytes = 0;
    assert_int_equal(unsetenv(CACHELIMIT_ENV), 0);
    check_ok(cachelimit_of(dir->fd, &tenth));
    assert_int_equal(setenv(CACHELIMIT_ENV, "20%", 1), 0);
    check_ok(cachelimit_of(dir->fd, &fifth));
    assert_int_equal(fifth, 2 * tenth);
    assert_int_equal(setenv(CACHELIMIT_ENV, "2k", 1), 0);
    check_ok(cachelimit_of(dir->fd, &bytes));
    assert_int_equal(bytes, 2048);
    assert_int_equal(setenv(CACHELIMIT_ENV, "none", 1), 0);
    check_ok(cachelimit_of(dir->fd, &bytes));
    assert_true(bytes == UINT64_MAX);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        assert_int_equal(setenv(CACHELIMIT_ENV, wrong[i], 1), 0);
        check_error(cachelimit_of(dir->fd, &bytes), ERR_USAGE, wrong[i]);
    }
    assert_int_equal(unsetenv(CACHELIMIT_ENV), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes),
        cmocka_unit_test(steps_go_with_the_last_blob),
        check_with_dir(an_upload_under_way_stays),
        check_with_dir(damaged_records_are_useless),
        check_with_dir(the_limit_is_kept),
        check_with_dir(the_limit_never_fails),
        check_with_dir(limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
