/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "golden_trees.h"
#include "image/layout.h"
#include "layers/layer.h"
#include "layers/tarwrite.h"
#include "layers/unpacked.h"

#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define SOMEBODY 12345

static struct store *open_layout(const struct check_dir *dir)
{
    AUTO(mem_free) char *path = mem_printf("%s/layout", dir->path);
    struct store *layout = NULL;

    check_ok(layout_open(&layout, path, LAYOUT_WRITE));
    return layout;
}

static struct digest tar_digest(struct tree *t)
{
    struct digest digest;
    AUTO(sink_free) struct sink *to = sink_digest(NULL, &digest, NULL);

    check_ok(tarwrite_tree(to, t, NULL));
    check_ok(sink_commit(to));
    return digest;
}

static void pack(struct store *layout, struct tree *t, struct desc *blob, struct digest *diff_id)
{
    const struct layer_options options = {.compression = COMPRESSION_GZIP, .level = 1, .workers = 1};

    check_ok(layer_write(layout, t, &options, blob, diff_id));
}

__attribute__((unused)) static struct stat look(int dirfd, const char *path)
{
    struct stat st = {0};

    if (fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) != 0)
        fail_msg("%s is not there", path);
    return st;
}

__attribute__((unused)) static size_t entries_of(int dirfd, const char *path)
{
    AUTO(tree_free) struct tree *t = NULL;
    AUTO(fd_close) int fd = -1;
    struct node **child;
    size_t count;

    check_ok(fs_open(&fd, dirfd, path, O_RDONLY | O_DIRECTORY, 0));
    check_ok(tree_open_dir(&t, fd_take(&fd), NULL));
    check_ok(tree_children(t, tree_root(t), &child, &count));
    return count;
}

static void odd_modes(struct tree *t)
{
    plant(t, "shut", NODE_DIR, 0);
    plant(t, "shut/inner", NODE_DIR, 0311);
    plant_file(t, "shut/inner/secret", 0, "nobody reads this");
    plant_file(t, "shut/inner/second", 0111, "nor this");
    plant_file(t, "su", 06755, "x");
    plant(t, "sticky", NODE_DIR, 01777);
    plant(t, "readonly", NODE_DIR, 0555);
    plant_file(t, "readonly/f", 0444, "read only");
}

static void device_files(struct tree *t)
{
    plant(t, "fifo", NODE_FIFO, 0622);
    struct node *n = plant(t, "null", NODE_CHAR, 0666);
    n->device_major = 1;
    n->device_minor = 3;
    n = plant(t, "disk", NODE_BLOCK, 0660);
    n->device_major = 8;
    n->gid = 6;
}

/* From a blob and from a tree: what is unpacked gives the same tar again. */
static void trees_come_back(void **state)
{
    static void (*const plants[])(struct tree * t) = {golden_empty, golden_plain, golden_links,
                                                      golden_sizes, odd_modes,    device_files};
    const struct check_dir *dir = *state;
    AUTO(store_free) struct store *layout = open_layout(dir);

    for (size_t i = 0; i < ARRAY_LEN(plants); i++) {
        AUTO(tree_free) struct tree *t = tree_new();
        AUTO_VALUE(desc_wipe) struct desc blob = {0};
        AUTO(unpacked_close) struct unpacked *made = NULL;
        AUTO(unpacked_close) struct unpacked *again = NULL;
        AUTO(fd_close) int other = -1;
        struct digest diff_id;
        struct node *odd = NULL;

        plants[i](t);
        check_ok(tree_lookup(t, "link4095", false, &odd));
        if (odd)
            tree_remove(t, odd); /* as long as the system allows, and a byte more on some file systems */
        pack(layout, t, &blob, &diff_id);
        check_ok(unpacked_make(&made, dir->fd, UNPACKED_OURS, layout, &blob, &diff_id));
        struct digest found = tar_digest(unpacked_tree(made));
        assert_true(digest_equal(&found, &diff_id));
        check_ok(unpacked_open(&again, dir->fd, &diff_id, UNPACKED_OURS));
        assert_non_null(again);
        found = tar_digest(unpacked_tree(again));
        assert_true(digest_equal(&found, &diff_id));

        AUTO(mem_free) char *name = mem_printf("other%zu", i);
        AUTO(unpacked_close) struct unpacked *planted = NULL;
        check_ok(fs_mkdir_open(&other, dir->fd, name));
        check_ok(unpacked_from_tree(&planted, other, UNPACKED_OURS, t, &diff_id));
        found = tar_digest(unpacked_tree(planted));
        assert_true(digest_equal(&found, &diff_id));
        if (geteuid() == 0) {
            AUTO(unpacked_close) struct unpacked *real = NULL;
            check_ok(unpacked_make(&real, dir->fd, UNPACKED_REAL, layout, &blob, &diff_id));
            found = tar_digest(unpacked_tree(real));
            assert_true(digest_equal(&found, &diff_id));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        check_with_dir(trees_come_back),
    };
    pid_t pid = geteuid() == 0 ? fork() : -1;
    int status = 0;

    /* A change of user closes our own files in /proc to us. */
    if (pid == 0 && (setgid(SOMEBODY) != 0 || setuid(SOMEBODY) != 0 || prctl(PR_SET_DUMPABLE, 1) != 0))
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (pid > 0)
        waitpid(pid, &status, 0);
    return failed || status;
}
