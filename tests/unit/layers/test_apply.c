/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "golden_trees.h"
#include "layers/apply.h"
#include "layers/tarwrite.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

static void check_text(int dirfd, const char *path, const char *wanted)
{
    AUTO_VALUE(buf_wipe) struct buf bytes = BUF(1 << 20);

    check_ok(fs_read_file(&bytes, dirfd, path, NULL));
    assert_string_equal(buf_text(&bytes), wanted);
}

static struct stat look(int dirfd, const char *path)
{
    struct stat st = {0};

    assert_int_equal(fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW), 0);
    return st;
}

static void put_text(int dirfd, const char *path, const char *text)
{
    AUTO(fd_close) int fd = openat(dirfd, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    check_ok(fd_write(fd, text, strlen(text), path));
}

static struct apply_report apply(struct tree *t, int dirfd)
{
    struct apply_report report = {0};

    check_ok(apply_tree(t, dirfd, &report));
    return report;
}

static struct tree *planted(void (*plants)(struct tree *t))
{
    struct tree *t = tree_new();

    plants(t);
    return t;
}

/* Written, read back and packed: the same bytes, as far as this user may write them. Twice, over what is
 * there. */
static void what_is_written_is_read_back(void **state)
{
    static void (*const plants[])(struct tree * t) = {golden_plain, golden_links, golden_sizes};
    const struct check_dir *dir = *state;

    for (size_t i = 0; i < ARRAY_LEN(plants); i++) {
        struct digest before, after;
        AUTO(fd_close) int fd = -1;
        AUTO(mem_free) char *name = mem_printf("tree%zu", i);
        AUTO(tree_free) struct tree *t = planted(plants[i]);
        AUTO(sink_free) struct sink *to = sink_digest(NULL, &before, NULL);
        AUTO(sink_free) struct sink *again = sink_digest(NULL, &after, NULL);
        struct node *odd = NULL, *top = NULL;
        check_ok(tree_lookup(t, "link4095", false, &odd));
        if (odd)
            tree_remove(t, odd); /* as long as the system allows, and a byte more on some file systems */
        check_ok(fs_mkdir_open(&fd, dir->fd, name));
        for (int turn = 0; turn < 2; turn++)
            apply(t, fd);
        AUTO(tree_free) struct tree *back = NULL;
        check_ok(tree_open_dir(&back, dup(fd), NULL));
        /* What is implicit was made and is found. */
        struct node **child;
        size_t count;
        check_ok(tree_children(t, tree_root(t), &child, &count));
        for (size_t at = 0; at < count; at++) {
            check_ok(tree_lookup(back, child[at]->name, false, &top));
            assert_non_null(top);
            top->implicit = child[at]->implicit;
        }
        if (geteuid() != 0 || plants[i] == golden_links)
            continue;
        check_ok(tarwrite_tree(to, t, NULL));
        check_ok(tarwrite_tree(again, back, NULL));
        check_ok(sink_commit(to));
        check_ok(sink_commit(again));
        assert_true(digest_equal(&before, &after));
    }
}

static void metadata_are_set(void **state)
{
    const struct check_dir *dir = *state;
    AUTO(tree_free) struct tree *t = tree_new();
    mode_t mask = umask(077);
    char value[8];

    struct node *n = plant(t, "d", NODE_DIR, 02511);
    n->mtime = 1000;
    n->mtime_ns = 5;
    n->uid = geteuid();
    n->gid = getegid();
    n = plant_file(t, "d/f", 04755, "text");
    n->uid = geteuid();
    n->gid = getegid();
    n->mtime = -77;
    node_set_xattr(t, n, "user.x", "\0v", 2);
    plant_link(t, "d/l", "/etc/passwd")->mtime = 5;
    plant(t, "d/p", NODE_FIFO, 0666);
    struct node *device = plant(t, "d/null", NODE_CHAR, 0666);
    device->device_major = 1;
    device->device_minor = 3;
    struct apply_report report = apply(t, dir->fd);
    umask(mask);

    struct stat st = look(dir->fd, "d");
    assert_int_equal(st.st_mode & 07777, 02511);
    assert_int_equal(st.st_mtim.tv_sec, 1000);
    assert_int_equal(st.st_mtim.tv_nsec, 5);
    st = look(dir->fd, "d/f");
    assert_int_equal(st.st_mode & 07777, 04755);
    assert_int_equal(st.st_mtim.tv_sec, -77);
    st = look(dir->fd, "d/l");
    assert_int_equal(st.st_mtim.tv_sec, 5);
    st = look(dir->fd, "d/p");
    assert_true(S_ISFIFO(st.st_mode));
    assert_int_equal(st.st_mode & 07777, 0666);
    AUTO(fd_close) int fd = openat(dir->fd, "d/f", O_RDONLY);
    if (report.skipped_xattrs == 0) {
        assert_int_equal(fgetxattr(fd, "user.x", value, sizeof value), 2);
        assert_memory_equal(value, "\0v", 2);
    }
    if (report.skipped_devices == 0)
        assert_int_equal(look(dir->fd, "d/null").st_rdev, makedev(1, 3));
    assert_int_equal(report.files, 4);
}

static void owners_are_set_by_root_only(void **state)
{
    const struct check_dir *dir = *state;
    AUTO(tree_free) struct tree *t = tree_new();

    struct node *n = plant_file(t, "su", 06755, "x");
    n->uid = n->gid = 4321;
    n = plant_link(t, "l", "x");
    n->uid = n->gid = 4321;
    n = plant(t, "d", NODE_DIR, 02755);
    n->uid = n->gid = 4321;
    apply(t, dir->fd);
    bool root = geteuid() == 0;
    struct stat st = look(dir->fd, "su");
    assert_int_equal(st.st_uid, root ? 4321 : geteuid());
    assert_int_equal(st.st_mode & 07777, root ? 06755 : 0755);
    st = look(dir->fd, "l");
    assert_int_equal(st.st_uid, root ? 4321 : geteuid());
    st = look(dir->fd, "d");
    assert_int_equal(st.st_mode & 07777, 02755);
}

static void what_is_in_the_way_is_replaced(void **state)
{
    const struct check_dir *dir = *state;
    AUTO(tree_free) struct tree *t = tree_new();
    AUTO(fd_close) int out = -1;

    check_ok(fs_mkdir_open(&out, dir->fd, "out"));
    put_text(dir->fd, "canary", "alive");
    assert_int_equal(mkdirat(dir->fd, "outside", 0700), 0);
    put_text(dir->fd, "outside/canary", "alive");

    assert_int_equal(symlinkat("../canary", out, "file"), 0);
    assert_int_equal(symlinkat("../outside", out, "dir"), 0);
    assert_int_equal(symlinkat("../outside", out, "link"), 0);
    assert_int_equal(symlinkat("../canary", out, "hard"), 0);
    assert_int_equal(linkat(dir->fd, "canary", out, "linked", 0), 0);
    assert_int_equal(mkdirat(out, "full", 0700), 0);
    assert_int_equal(mkdirat(out, "full/sub", 0700), 0);
    put_text(out, "full/sub/x", "x");
    assert_int_equal(symlinkat("../../../outside", out, "full/sub/l"), 0);
    put_text(out, "wasfile", "x");
    assert_int_equal(mkdirat(out, "merged", 0500), 0);
    assert_int_equal(mkfifoat(out, "wasfifo", 0600), 0);

    plant_file(t, "file", 0600, "new");
    plant(t, "dir", NODE_DIR, 0711);
    plant_file(t, "dir/canary", 0600, "new");
    plant_link(t, "link", "elsewhere");
    plant_file(t, "linked", 0666, "new");
    plant_file(t, "full", 0600, "new");
    plant_file(t, "wasfile/sub", 0600, "new");
    plant_file(t, "wasfifo", 0600, "new");
    plant(t, "merged", NODE_DIR, 0500);
    plant_file(t, "merged/new", 0600, "new");
    uint32_t group = tree_new_link_group(t);
    plant_file(t, "hard", 0600, "hard")->link_group = group;
    plant_file(t, "zz/hard", 0600, "hard")->link_group = group;
    for (int turn = 0; turn < 2; turn++) {
        apply(t, out);
        check_text(dir->fd, "canary", "alive");
        check_text(dir->fd, "outside/canary", "alive");
        check_text(out, "file", "new");
        check_text(out, "dir/canary", "new");
        check_text(out, "linked", "new");
        check_text(out, "full", "new");
        check_text(out, "wasfile/sub", "new");
        check_text(out, "merged/new", "new");
        check_text(out, "wasfifo", "new");
        assert_true(S_ISLNK(look(out, "link").st_mode));
        assert_true(S_ISDIR(look(out, "dir").st_mode));
        assert_int_equal(look(out, "hard").st_ino, look(out, "zz/hard").st_ino);
        assert_int_equal(look(out, "hard").st_nlink, 2);
        assert_int_equal(look(dir->fd, "canary").st_mode & 0777, 0600);
    }
    assert_int_equal(fchmodat(out, "merged", 0700, 0), 0);
}

static void names_that_are_none_are_refused(void **state)
{
    static const char *const names[] = {"..", ".", "a/b", ""};
    const struct check_dir *dir = *state;

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        AUTO(tree_free) struct tree *t = tree_new();
        tree_add(t, tree_root(t), names[i], strlen(names[i]), NODE_FILE);
        check_error(apply_tree(t, dir->fd, NULL), ERR_INTERNAL, "name that is none");
    }
}

static void whiteouts_are_nothing_here(void **state)
{
    const struct check_dir *dir = *state;
    AUTO(tree_free) struct tree *t = planted(golden_whiteouts);
    struct stat st;

    apply(t, dir->fd);
    assert_int_equal(fstatat(dir->fd, "gone", &st, 0), -1);
    assert_int_equal(errno, ENOENT);
    check_text(dir->fd, "opaque/new", "x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        check_with_dir(what_is_written_is_read_back),    check_with_dir(metadata_are_set),
        check_with_dir(owners_are_set_by_root_only),     check_with_dir(what_is_in_the_way_is_replaced),
        check_with_dir(names_that_are_none_are_refused), check_with_dir(whiteouts_are_nothing_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
