/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/mem.h"
#include "base/str.h"
#include "builder/run_cache_owners.h"
#include "builder/run_mounts.h"
#include "builder/usage.h"

#include <sys/stat.h>
#include <unistd.h>

#define PIECE 100000

/* A cache of one slot with a file of so many pieces, used at that time. */
static void plant(int cache, const char *name, const char *slot, unsigned pieces, time_t used)
{
    static const char bytes[PIECE];
    AUTO(fd_close) int dir = -1, file = -1, lock = -1;
    AUTO(mem_free) char *folder = mem_printf(RUN_MOUNTS_FOLDER "/%s", name);
    AUTO(mem_free) char *deep = mem_printf("%s/%s/d", folder, slot);
    AUTO(mem_free) char *lock_name = mem_printf("%s/%s.lock", folder, slot);
    const struct timespec times[2] = {{.tv_sec = used}, {.tv_sec = used}};

    check_ok(fs_mkdir_open(&dir, cache, deep));
    check_ok(fs_open(&file, dir, "f", O_WRONLY | O_CREAT | O_EXCL, 0600));
    for (unsigned i = 0; i < pieces; i++)
        check_ok(fd_write(file, bytes, sizeof bytes, "f"));
    if (str_starts(slot, FS_NEW_PREFIX))
        return;
    check_ok(fs_open(&lock, cache, lock_name, O_WRONLY | O_CREAT, 0600));
    assert_int_equal(futimens(lock, times), 0);
}

static bool is_there(int cache, const char *path)
{
    struct stat st;
    AUTO(mem_free) char *whole = path_join(RUN_MOUNTS_FOLDER, path);

    return fstatat(cache, whole, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static uint64_t prune(int cache, uint64_t keep)
{
    const struct usage_policy policy = {.keep = keep};
    AUTO(mem_free) char *path = mem_printf("/proc/self/fd/%d", cache);
    AUTO_VALUE(usage_wipe) struct usage u = {0};
    uint64_t freed = UINT64_MAX;

    check_ok(usage_read(&u, path, NULL, false));
    for (size_t i = 0; i < u.count; i++)
        u.item[i].picked = true;
    usage_choose(&u, &policy);
    check_ok(usage_remove(&u, path, NULL, &freed));
    return freed;
}

static void nothing_there(void **state)
{
    struct check_dir *dir = *state;

    assert_int_equal(prune(dir->fd, 0), 0);
    assert_int_equal(mkdirat(dir->fd, RUN_MOUNTS_FOLDER, 0700), 0);
    assert_int_equal(prune(dir->fd, 0), 0);
    /* Something else than a cache is left alone. */
    assert_int_equal(symlinkat("/etc", dir->fd, RUN_MOUNTS_FOLDER "/link"), 0);
    AUTO(fd_close) int file = -1;
    check_ok(fs_open(&file, dir->fd, RUN_MOUNTS_FOLDER "/file", O_WRONLY | O_CREAT, 0600));
    assert_int_equal(prune(dir->fd, 0), 0);
    assert_true(is_there(dir->fd, "link") && is_there(dir->fd, "file"));
}

static void the_longest_unused_first(void **state)
{
    struct check_dir *dir = *state;

    plant(dir->fd, "b", "0", 3, 2000);
    plant(dir->fd, "a", "0", 3, 3000);
    plant(dir->fd, "c", "0", 3, 1000);
    plant(dir->fd, "c", "1", 3, 4000); /* the latest slot counts */
    assert_int_equal(prune(dir->fd, 20 * PIECE), 0);
    assert_true(prune(dir->fd, 11 * PIECE) >= 3 * PIECE);
    assert_false(is_there(dir->fd, "b/0"));
    assert_true(is_there(dir->fd, "a/0/d/f") && is_there(dir->fd, "c/0/d/f"));
    assert_true(prune(dir->fd, 8 * PIECE) >= 3 * PIECE);
    assert_false(is_there(dir->fd, "a/0"));
    assert_true(is_there(dir->fd, "c/0/d/f") && is_there(dir->fd, "c/1/d/f"));
    assert_true(prune(dir->fd, 0) >= 6 * PIECE);
    assert_false(is_there(dir->fd, "c/0") || is_there(dir->fd, "c/1"));
    assert_true(is_there(dir->fd, "c/0.lock"));
}

static void the_list_of_owners_goes_along(void **state)
{
    static const char bytes[PIECE];
    struct check_dir *dir = *state;
    AUTO(fd_close) int file = -1;

    plant(dir->fd, "a", "0", 1, 1000);
    check_ok(
        fs_open(&file, dir->fd, RUN_MOUNTS_FOLDER "/a/0" RUN_CACHE_OWNERS_SUFFIX, O_WRONLY | O_CREAT, 0600));
    check_ok(fd_write(file, bytes, sizeof bytes, "owners"));
    assert_true(prune(dir->fd, 0) >= 2 * PIECE);
    assert_false(is_there(dir->fd, "a/0" RUN_CACHE_OWNERS_SUFFIX) || is_there(dir->fd, "a/0"));
}

static void not_what_is_used(void **state)
{
    struct check_dir *dir = *state;
    AUTO(fd_close) int lock = -1;
    bool got = false;

    plant(dir->fd, "old", "0", 3, 1000);
    plant(dir->fd, "old", "1", 3, 1000);
    plant(dir->fd, "new", "0", 3, 2000);
    check_ok(fs_open(&lock, dir->fd, RUN_MOUNTS_FOLDER "/old/1.lock", O_RDWR, 0));
    check_ok(fs_lock(lock, false, false, &got));
    assert_true(got);
    /* One slot is used: none of that id goes, but then another one has to. */
    assert_true(prune(dir->fd, 7 * PIECE) >= 3 * PIECE);
    assert_true(is_there(dir->fd, "old/0") && is_there(dir->fd, "old/1"));
    assert_false(is_there(dir->fd, "new/0"));
    fd_close(fd_take(&lock));
    assert_true(prune(dir->fd, 0) >= 6 * PIECE);
    assert_false(is_there(dir->fd, "old/0") || is_there(dir->fd, "old/1"));
}

static void half_made_ones_always(void **state)
{
    struct check_dir *dir = *state;
    AUTO(fd_close) int lock = -1;

    plant(dir->fd, "a", "0", 1, 1000);
    plant(dir->fd, "a", FS_NEW_PREFIX "0123456789abcdef", 2, 0);
    check_ok(fs_open(&lock, dir->fd, RUN_MOUNTS_FOLDER "/a/0.lock", O_RDWR, 0));
    check_ok(fs_lock(lock, false, true, NULL));
    /* Whoever makes one has a lock. */
    assert_int_equal(prune(dir->fd, UINT64_MAX), 0);
    assert_true(is_there(dir->fd, "a/" FS_NEW_PREFIX "0123456789abcdef"));
    fd_close(fd_take(&lock));
    assert_true(prune(dir->fd, UINT64_MAX) >= 2 * PIECE);
    assert_false(is_there(dir->fd, "a/" FS_NEW_PREFIX "0123456789abcdef"));
    assert_true(is_there(dir->fd, "a/0/d/f"));
}

static void modes_and_links_do_not_hinder(void **state)
{
    struct check_dir *dir = *state;

    plant(dir->fd, "a", "0", 1, 1000);
    assert_int_equal(symlinkat("/etc", dir->fd, RUN_MOUNTS_FOLDER "/a/0/d/out"), 0);
    assert_int_equal(fchmodat(dir->fd, RUN_MOUNTS_FOLDER "/a/0/d", 0, 0), 0);
    assert_true(prune(dir->fd, 0) > 0);
    assert_false(is_there(dir->fd, "a/0"));
    assert_int_equal(access("/etc/passwd", F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        check_with_dir(nothing_there),
        check_with_dir(the_longest_unused_first),
        check_with_dir(the_list_of_owners_goes_along),
        check_with_dir(not_what_is_used),
        check_with_dir(half_made_ones_always),
        check_with_dir(modes_and_links_do_not_hinder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
