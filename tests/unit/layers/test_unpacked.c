/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/newfile.h"
#include "base/pool.h"
#include "base/str.h"
#include "golden_trees.h"
#include "image/layout.h"
#include "image/mediatype.h"
#include "layers/layer.h"
#include "layers/tarwrite.h"
#include "overlay.h"
#include "tarmake.h"

#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

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

static struct stat look(int dirfd, const char *path)
{
    struct stat st = {0};

    if (fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) != 0)
        fail_msg("%s is not there", path);
    return st;
}

static size_t entries_of(int dirfd, const char *path)
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

static void put_tar(struct store *layout, const struct buf *tar, struct desc *blob)
{
    struct digest d = digest_of(tar->data, tar->len);
    AUTO(source_free) struct source *from = source_mem(tar->data, tar->len);

    desc_wipe(blob);
    desc_set(blob, MEDIATYPE_OCI_LAYER, &d, tar->len);
    check_ok(store_put(layout, blob, from));
}

/* Names that others chose: nothing but the layer's own directory is touched. */
static void hostile_layers_stay_inside(void **state)
{
    static const struct {
        char type;
        const char *name, *target;
    } entries[][4] = {
        {{'0', "../canary/x", NULL}},
        {{'0', "/../../canary/x", NULL}},
        {{'2', "up", "../../../canary"}, {'0', "up/x", NULL}},
        {{'2', "up", "/"}, {'2', "up/l", "canary"}, {'0', "l/x", NULL}},
        {{'5', "d", NULL}, {'2', "d/up", ".."}, {'2', "d/up/out", ".."}, {'0', "out/x", NULL}},
        {{'2', "l", "CANARY/file"}, {'0', "l", NULL}},
        {{'2', "l", "CANARY"}, {'5', "l", NULL}, {'0', "l/x", NULL}},
        {{'5', "l", NULL}, {'0', "l/x", NULL}, {'2', "l", "CANARY"}},
        {{'1', "h", "../../../canary/file"}},
        {{'1', "h", "/etc/passwd"}, {'0', "h", NULL}},
        {{'2', "l", "CANARY/file"}, {'1', "h", "l"}, {'0', "h", NULL}},
        {{'0', ".wh...", NULL}},
        {{'0', ".wh..", NULL}},
        {{'2', "l", "CANARY"}, {'0', "l/.wh.file", NULL}},
        {{'2', ".", "CANARY"}, {'0', "x", NULL}},
        {{'3', "null", NULL}, {'4', "disk", NULL}, {'6', "fifo", NULL}, {'0', "fifo", NULL}},
        {{'0', "a", NULL}, {'1', "b", "a"}, {'0', "a", NULL}, {'5', "a", NULL}},
    };
    const struct check_dir *dir = *state;
    AUTO(store_free) struct store *layout = open_layout(dir);
    AUTO(fd_close) int fd = -1;
    struct stat before, after;

    check_ok(fs_mkdir_open(&fd, dir->fd, "canary"));
    check_ok(newfile_write(fd, "file", 0640, "canary", 6, false));
    before = look(dir->fd, "canary/file");
    for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
        AUTO_VALUE(buf_wipe) struct buf tar = BUF(BUF_NO_LIMIT);
        AUTO_VALUE(desc_wipe) struct desc blob = {0};
        AUTO(unpacked_close) struct unpacked *u = NULL;
        for (size_t k = 0; k < ARRAY_LEN(entries[i]) && entries[i][k].name; k++) {
            const char *target = entries[i][k].target;
            AUTO(mem_free)
            char *there = target && str_starts(target, "CANARY") ? path_join(dir->path, "canary") : NULL;
            AUTO(mem_free) char *full = there ? mem_printf("%s%s", there, target + 6) : NULL;
            if (entries[i][k].type == '0')
                tar_file(&tar, entries[i][k].name, "evil");
            else
                tar_link(&tar, entries[i][k].name, entries[i][k].type, full ? full : target);
        }
        tar_end(&tar);
        put_tar(layout, &tar, &blob);
        struct digest diff_id = digest_of(tar.data, tar.len);
        for (int kind = UNPACKED_OURS; kind <= (geteuid() == 0 ? UNPACKED_REAL : UNPACKED_OURS); kind++) {
            struct err *e = unpacked_make(&u, dir->fd, (enum unpacked_kind)kind, layout, &blob, &diff_id);
            if (e)
                assert_int_equal(err_kind_of(e), ERR_INPUT);
            err_free(e);
            unpacked_close(TAKE(u));
        }
    }
    after = look(dir->fd, "canary/file");
    assert_memory_equal(&before.st_ctim, &after.st_ctim, sizeof before.st_ctim);
    assert_int_equal(entries_of(dir->fd, "canary"), 1);
    assert_int_equal(before.st_nlink, after.st_nlink);
    assert_int_equal(after.st_mode, before.st_mode);
}

/* The last entry of a name counts, and whoever was linked to the first keeps it. */
static void names_are_replaced(void **state)
{
    const struct check_dir *dir = *state;
    AUTO(store_free) struct store *layout = open_layout(dir);
    AUTO_VALUE(buf_wipe) struct buf tar = BUF(BUF_NO_LIMIT);
    AUTO_VALUE(buf_wipe) struct buf text = BUF(1 << 20);
    AUTO_VALUE(desc_wipe) struct desc blob = {0};
    AUTO(unpacked_close) struct unpacked *u = NULL;
    char name[256], mark[2];

    memset(name, 'n', 255);
    name[255] = '\0';
    AUTO(mem_free) char *deep = repeat("z/", 2000, "f");
    tar_file(&tar, "a", "first");
    tar_link(&tar, "b", '1', "a");
    tar_file(&tar, "a", "second");
    tar_file(&tar, "d/x", "below");
    tar_link(&tar, "d", '2', "a");
    tar_file(&tar, "e", "");
    tar_file(&tar, "e", "full");
    tar_file(&tar, "o/.wh..wh..opq", "");
    tar_file(&tar, "o/f", "f");
    tar_file(&tar, ".wh.gone", "");
    tar_link(&tar, "late", '1', "in/lower");
    tar_pax(&tar, "path", name);
    tar_file(&tar, "x", "long");
    tar_pax(&tar, "path", deep);
    tar_file(&tar, "x", "deep");
    tar_end(&tar);
    put_tar(layout, &tar, &blob);
    struct digest diff_id = digest_of(tar.data, tar.len);
    check_ok(unpacked_make(&u, dir->fd, UNPACKED_OURS, layout, &blob, &diff_id));
    int fd = unpacked_dir(u);
    check_ok(fs_read_file(&text, fd, "a", NULL));
    check_ok(fs_read_file(&text, fd, "b", NULL));
    check_ok(fs_read_file(&text, fd, "e", NULL));
    check_ok(fs_read_file(&text, fd, name, NULL));
    assert_string_equal(buf_text(&text), "secondfirstfulllong");
    assert_int_equal(look(fd, "b").st_nlink, 1);
    assert_true(S_ISLNK(look(fd, "d").st_mode));
    assert_true(S_ISCHR(look(fd, "gone").st_mode));
    assert_int_equal(faccessat(fd, "late", F_OK, AT_SYMLINK_NOFOLLOW), -1);
    assert_int_equal(look(fd, deep).st_size, 4);
    AUTO(fd_close) int opaque = openat(fd, "o", O_RDONLY | O_DIRECTORY);
    assert_int_equal(fgetxattr(opaque, "user.overlay.opaque", mark, sizeof mark), 1);
    buf_clear(&text);
    check_ok(treelist(&text, unpacked_tree(u)));
    assert_non_null(strstr(buf_text(&text), "L late "));
}

static size_t waiting(const struct check_dir *dir)
{
    return entries_of(dir->fd, UNPACKED_FOLDER);
}

static void what_is_not_promised_leaves_nothing(void **state)
{
    const struct check_dir *dir = *state;
    AUTO(store_free) struct store *layout = open_layout(dir);
    AUTO(tree_free) struct tree *t = tree_new();
    AUTO_VALUE(desc_wipe) struct desc blob = {0};
    AUTO(unpacked_close) struct unpacked *u = NULL;
    struct digest diff_id;

    golden_plain(t);
    pack(layout, t, &blob, &diff_id);
    struct digest other = digest_of("x", 1);
    check_error(unpacked_make(&u, dir->fd, UNPACKED_OURS, layout, &blob, &other), ERR_INTEGRITY, "digest");
    assert_int_equal(waiting(dir), 0);
}

static void only_this_boot_counts(void **state)
{
    static const char *const damage[][2] = {
        {"boot", "0badc0de-0000 12\n"}, {"boot", ""}, {"index", "damaged"}};
    const struct check_dir *dir = *state;
    AUTO(tree_free) struct tree *t = tree_new();
    struct digest name = digest_of("t", 1);

    plant_file(t, "f", 0644, "f");
    for (size_t i = 0; i < ARRAY_LEN(damage); i++) {
        AUTO(unpacked_close) struct unpacked *u = NULL;
        AUTO(fd_close) int fd = -1;
        check_ok(unpacked_from_tree(&u, dir->fd, UNPACKED_OURS, t, &name));
        AUTO(mem_free) char *path = mem_strndup(unpacked_path(u), strlen(unpacked_path(u)) - 3);
        unpacked_close(TAKE(u));
        check_ok(fs_open(&fd, AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0));
        check_ok(newfile_write(fd, damage[i][0], 0600, damage[i][1], strlen(damage[i][1]), false));
        check_ok(unpacked_open(&u, dir->fd, &name, UNPACKED_OURS));
        assert_null(u);
        assert_int_equal(faccessat(AT_FDCWD, path, F_OK, 0), -1);
    }
}

static void what_is_used_is_not_pruned(void **state)
{
    const struct check_dir *dir = *state;
    AUTO(unpacked_close) struct unpacked *held = NULL;
    AUTO(unpacking_free) struct unpacking *working = NULL;
    AUTO(fd_close) int left_over = -1;
    uint64_t freed;

    for (unsigned i = 0; i < 3; i++) {
        AUTO(tree_free) struct tree *t = tree_new();
        AUTO(unpacked_close) struct unpacked *u = NULL;
        struct digest name = digest_of(&i, sizeof i);
        plant(t, "shut", NODE_DIR, 0);
        plant_file(t, "shut/f", 0, "f");
        check_ok(unpacked_from_tree(&u, dir->fd, UNPACKED_OURS, t, &name));
        if (i == 0)
            held = TAKE(u);
    }
    check_ok(unpacking_begin(&working, dir->fd, UNPACKED_OURS));
    check_ok(fs_mkdir_open(&left_over, dir->fd, UNPACKED_FOLDER "/.new-0123456789abcdef/fs/x"));
    assert_int_equal(waiting(dir), 6); /* with the stamp of the last look */
    check_ok(unpacked_prune(dir->fd, UINT64_MAX, &freed));
    assert_int_equal(waiting(dir), 5);
    check_ok(unpacked_prune(dir->fd, UINT64_C(3) * 28 * 1024 - 1, &freed));
    assert_true(freed > 0);
    assert_int_equal(waiting(dir), 4);
    check_ok(unpacked_prune(dir->fd, 0, &freed));
    assert_int_equal(waiting(dir), 3);
    assert_int_equal(faccessat(AT_FDCWD, unpacked_path(held), F_OK, 0), 0);
    assert_int_equal(faccessat(AT_FDCWD, unpacking_upper(working), F_OK, 0), 0);
}

struct race {
    const struct check_dir *dir;
    struct store *layout;
    struct desc blob;
    struct digest diff_id;
};

static struct err *make_one(void *ctx, size_t i)
{
    struct race *r = ctx;
    AUTO(unpacked_close) struct unpacked *u = NULL;
    uint64_t freed;

    if (i % 4 == 3)
        return unpacked_prune(r->dir->fd, 0, &freed);
    TRY(unpacked_make(&u, r->dir->fd, UNPACKED_OURS, r->layout, &r->blob, &r->diff_id));
    struct digest found = tar_digest(unpacked_tree(u));
    return digest_equal(&found, &r->diff_id) ? NULL : err_new(ERR_INTERNAL, "it is not what it was");
}

static void several_may_make_it_at_once(void **state)
{
    struct race r = {.dir = *state};
    AUTO(tree_free) struct tree *t = tree_new();
    AUTO(store_free) struct store *layout = open_layout(r.dir);

    odd_modes(t);
    golden_plain(t);
    r.layout = layout;
    pack(layout, t, &r.blob, &r.diff_id);
    check_ok(pool_each(6, 40, make_one, &r));
    desc_wipe(&r.blob);
    assert_true(waiting(r.dir) <= 2); /* the layer and the stamp: nothing unfinished stays */
}

/* Layers over each other, and the patch on top, show what their trees say. */
static void patches_complete_layers(void **state)
{
    const struct check_dir *dir = *state;
    AUTO(store_free) struct store *layout = open_layout(dir);
    AUTO(tree_free) struct tree *base = tree_new();
    AUTO_VALUE(buf_wipe) struct buf found = BUF(1 << 20);
    AUTO_VALUE(buf_wipe) struct buf wanted = BUF(1 << 20);
    AUTO(mem_free) char *listing = mem_printf("%s/listing", dir->path);

    plant(base, "tmp", NODE_DIR, 01777);
    plant(base, "usr", NODE_DIR, 0755);
    plant(base, "usr/bin", NODE_DIR, 0711);
    plant_file(base, "usr/bin/tool", 0755, "tool");
    plant_file(base, "usr/bin/none", 0755, "none");
    plant_link(base, "bin", "usr/bin");
    struct digest name = digest_of("base", 4);
    for (int turn = 0; turn < 2; turn++) {
        struct unpacked *u[3] = {NULL};
        AUTO(unpacked_close) struct unpacked *patch = NULL;
        AUTO(unpacking_free) struct unpacking *work = NULL;
        AUTO_VALUE(buf_wipe) struct buf tar = BUF(BUF_NO_LIMIT);
        AUTO_VALUE(desc_wipe) struct desc blob = {0};
        AUTO(tree_free) struct tree *all = tree_new();
        check_ok(unpacked_from_tree(&u[0], dir->fd, UNPACKED_OURS, base, &name));
        tar_file(&tar, "tmp/x", "x");
        tar_file(&tar, "usr/bin/.wh.none", "");
        if (turn == 1) {
            tar_file(&tar, "bin/more", "more");
            tar_link(&tar, "tmp/tool", '1', "usr/bin/tool");
        }
        tar_end(&tar);
        put_tar(layout, &tar, &blob);
        struct digest diff_id = digest_of(tar.data, tar.len);
        check_ok(unpacked_make(&u[1], dir->fd, UNPACKED_OURS, layout, &blob, &diff_id));
        for (size_t i = 0; i < 2; i++)
            check_ok(tree_apply(all, unpacked_tree(u[i]), (uint32_t)i));
        check_ok(unpacked_patch(&patch, dir->fd, UNPACKED_OURS, u, 1, all));
        assert_null(patch);
        check_ok(unpacked_patch(&patch, dir->fd, UNPACKED_OURS, u, 2, all));
        assert_non_null(patch);
        check_ok(unpacking_begin(&work, dir->fd, UNPACKED_OURS));
        check_ok(unpacking_like(work, tree_root(all)));
        AUTO(mem_free)
        char *lower = mem_printf("%s:%s:%s", unpacked_path(patch), unpacked_path(u[1]), unpacked_path(u[0]));
        bool possible = overlay_run(lower, work, "true", listing);
        overlay_forget_marks(tree_root(all));
        buf_clear(&found);
        buf_clear(&wanted);
        static const char *const copies[] = {"tmp/tool", "usr/bin/tool"};
        for (size_t i = 0; i < ARRAY_LEN(copies) && turn == 1; i++) {
            /* A link to a file of a layer below is a copy on disk. */
            struct node *n = NULL;
            check_ok(tree_lookup(all, copies[i], false, &n));
            n->link_group = 0;
        }
        check_ok(treelist(&wanted, all));
        if (possible) {
            check_ok(fs_read_file(&found, dir->fd, "listing", NULL));
            treelist_check("patched", &found, &wanted);
        }
        unpacked_close(u[0]);
        unpacked_close(u[1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        check_with_dir(trees_come_back),
        check_with_dir(hostile_layers_stay_inside),
        check_with_dir(names_are_replaced),
        check_with_dir(what_is_not_promised_leaves_nothing),
        check_with_dir(only_this_boot_counts),
        check_with_dir(what_is_used_is_not_pruned),
        check_with_dir(several_may_make_it_at_once),
        check_with_dir(patches_complete_layers),
    };

    return run_as_both(tests);
}
