/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/mem.h"
#include "base/newfile.h"
#include "base/str.h"
#include "layers/tarwrite.h"
#include "layers/tree.h"
#include "layers/tree_dir.h"
#include "layers/tree_inner.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

static void write_file(int dirfd, const char *path, const char *text)
{
    check_ok(newfile_write(dirfd, path, 0644, text, strlen(text), false));
}

static struct tree *open_tree(const struct check_dir *dir, const struct tree_dir_options *options)
{
    struct tree *t = NULL;

    check_ok(tree_open_dir(&t, dup(dir->fd), options));
    return t;
}

static struct node *find(struct tree *t, const char *path)
{
    struct node *n = NULL;

    check_ok(tree_lookup(t, path, false, &n));
    assert_non_null(n);
    return n;
}

static void check_names(struct tree *t, const char *path, const char *wanted)
{
    AUTO_VALUE(buf_wipe) struct buf out = BUF(BUF_NO_LIMIT);
    struct node **child;
    size_t count;

    check_ok(tree_children(t, find(t, path), &child, &count));
    for (size_t i = 0; i < count; i++)
        buf_printf(&out, "%s%s", i ? " " : "", child[i]->name);
    assert_string_equal(buf_text(&out), wanted);
}

static void check_content(struct node *n, const char *wanted)
{
    AUTO(source_free) struct source *from = NULL;
    AUTO_VALUE(buf_wipe) struct buf bytes = BUF(BUF_NO_LIMIT);

    check_ok(node_open(n, &from));
    check_ok(source_read_all(from, &bytes, "content"));
    assert_string_equal(buf_text(&bytes), wanted);
    buf_clear(&bytes);
    check_ok(source_reopen(from, strlen(wanted) / 2));
    check_ok(source_read_all(from, &bytes, "content"));
    assert_string_equal(buf_text(&bytes), wanted + strlen(wanted) / 2);
}

static void every_kind_of_node_is_read(void **state)
{
    const struct check_dir *dir = *state;
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = -5, .tv_nsec = 7}};
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    write_file(dir->fd, "file", "hello");
    assert_int_equal(fchmodat(dir->fd, "file", 04711, 0), 0);
    assert_int_equal(utimensat(dir->fd, "file", times, 0), 0);
    assert_int_equal(mkdirat(dir->fd, "sub", 0700), 0);
    assert_int_equal(fchmodat(dir->fd, "sub", 01777, 0), 0);
    assert_int_equal(symlinkat("../../outside", dir->fd, "sub/link"), 0);
    assert_int_equal(mkfifoat(dir->fd, "pipe", 0600), 0);
    write_file(dir->fd, "\xff\n", "");
    snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", dir->path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    close(fd);

    AUTO(tree_free) struct tree *t = open_tree(dir, NULL);
    check_names(t, "", "file pipe sub \xff\n");
    struct node *n = find(t, "file");
    assert_int_equal(n->type, NODE_FILE);
    assert_int_equal(n->mode, 04711);
    assert_int_equal(n->size, 5);
    assert_int_equal(n->mtime, -5);
    assert_int_equal(n->mtime_ns, 7);
    assert_int_equal(n->uid, geteuid());
    assert_int_equal(n->link_group, 0);
    check_content(n, "hello");
    check_content(find(t, "\xff\n"), "");
    assert_int_equal(find(t, "pipe")->type, NODE_FIFO);
    assert_false(find(t, "sub")->children_known);
    assert_int_equal(find(t, "sub")->mode, 01777);
    assert_string_equal(find(t, "sub/link")->target, "../../outside");
    assert_true(find(t, "sub")->children_known);
    assert_true(tree_root(t)->has_sockets);
    assert_false(find(t, "sub")->has_sockets);
    assert_int_equal(tree_node_count(t), 6);
    assert_false(tree_root(t)->implicit);
    assert_int_equal(tree_root(t)->mode, 0700);
}

static void only_directories_are_opened(void **state)
{
    const struct check_dir *dir = *state;
    struct tree *t = NULL;

    write_file(dir->fd, "file", "");
    check_error(tree_open_dir(&t, openat(dir->fd, "file", O_RDONLY), NULL), ERR_INPUT, "not a directory");
}

/* The copy of a tree into another one reads where the first one stands. */
static void content_follows_a_copied_node(void **state)
{
    const struct check_dir *dir = *state;

    assert_int_equal(mkdirat(dir->fd, "a", 0700), 0);
    write_file(dir->fd, "a/deep", "text");
    AUTO(tree_free) struct tree *t = open_tree(dir, NULL);
    AUTO(tree_free) struct tree *other = tree_new();
    struct node *copy = tree_add(other, tree_make_path(other, "elsewhere"), "name", 4, NODE_FILE);
    node_copy_meta(other, copy, find(t, "a/deep"));
    copy->mtime = 0;
    copy->mode = 0;
    check_content(copy, "text");
}

static void hard_links_are_seen(void **state)
{
    const struct check_dir *dir = *state;

    assert_int_equal(mkdirat(dir->fd, "a", 0700), 0);
    assert_int_equal(mkdirat(dir->fd, "b", 0700), 0);
    for (int i = 0; i < 100; i++) {
        char one[16], two[16];
        snprintf(one, sizeof one, "a/%d", i);
        snprintf(two, sizeof two, "b/%d", i);
        write_file(dir->fd, one, "x");
        assert_int_equal(linkat(dir->fd, one, dir->fd, two, 0), 0);
    }
    AUTO(tree_free) struct tree *t = open_tree(dir, NULL);
    for (int i = 0; i < 100; i++) {
        char one[16], two[16];
        snprintf(one, sizeof one, "a/%d", i);
        snprintf(two, sizeof two, "b/%d", i);
        assert_int_not_equal(find(t, one)->link_group, 0);
        assert_int_equal(find(t, one)->link_group, find(t, two)->link_group);
    }
    assert_int_not_equal(find(t, "a/1")->link_group, find(t, "a/2")->link_group);
}

static void xattrs_are_read(void **state)
{
    const struct check_dir *dir = *state;
    AUTO(fd_close) int fd = -1;

    write_file(dir->fd, "f", "x");
    check_ok(fs_open(&fd, dir->fd, "f", O_RDWR, 0));
    if (fsetxattr(fd, "user.b", "\0\xff", 2, 0) != 0 && errno == ENOTSUP)
        skip();
    assert_int_equal(fsetxattr(fd, "user.a", "1", 1, 0), 0);
    (void)!fsetxattr(fd, "trusted.x", "1", 1, 0); /* as root only */
    assert_int_equal(fsetxattr(dir->fd, "user.root", "r", 1, 0), 0);
    bool capable =
        fsetxattr(fd, "security.capability",
                  "\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", 20,
                  0) == 0;

    /* With the system call of new kernels and without it. */
    for (int turn = 0; turn < 2; turn++) {
        AUTO(tree_free) struct tree *t = open_tree(dir, NULL);
        t->dir->reader.no_listxattrat = turn == 1;
        const struct node *n = find(t, "f");
        uint32_t first = capable ? 1 : 0;
        assert_int_equal(n->xattr_count, 2 + first);
        assert_string_equal(n->xattr[0].name, capable ? "security.capability" : "user.a");
        assert_string_equal(n->xattr[first].name, "user.a");
        assert_string_equal(n->xattr[first + 1].name, "user.b");
        assert_memory_equal(n->xattr[first + 1].value, "\0\xff", 2);
        assert_int_equal(tree_root(t)->xattr_count, 1);
    }
}

static void many_xattrs_are_read(void **state)
{
    const struct check_dir *dir = *state;
    AUTO(fd_close) int fd = -1;
    char name[64];

    write_file(dir->fd, "f", "x");
    check_ok(fs_open(&fd, dir->fd, "f", O_RDWR, 0));
    for (unsigned i = 0; i < 40; i++) {
        snprintf(name, sizeof name, "user.a-name-of-some-length-%02u", i);
        if (fsetxattr(fd, name, "1", 1, 0) != 0)
            skip();
    }
    for (int turn = 0; turn < 2; turn++) {
        AUTO(tree_free) struct tree *t = open_tree(dir, NULL);
        t->dir->reader.no_listxattrat = turn == 1;
        const struct node *n = find(t, "f");
        assert_int_equal(n->xattr_count, 40);
        assert_string_equal(n->xattr[39].name, name);
    }
}

/* Leaves out "out*"; looks into "into*" all the same. */
static bool skip_some(void *ctx, const char *path, bool is_dir, bool *enter)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;

    assert_ptr_equal(ctx, skip_some);
    if (strncmp(name, "into", 4) == 0)
        *enter = true;
    return strncmp(name, "out", 3) == 0 || (is_dir && strncmp(name, "into", 4) == 0);
}

static void what_is_left_out_is_not_there(void **state)
{
    static const char *const dirs[] = {"keep",
                                       "out-dir",
                                       "into-empty",
                                       "into-full",
                                       "into-full/into-deep",
                                       "into-full/out",
                                       "into-far",
                                       "into-far/into-x",
                                       "into-far/into-x/out-y"};
    static const char *const files[] = {
        "keep/a",       "keep/out",           "out-file", "into-empty/out-1", "into-full/into-deep/kept",
        "out-dir/kept", "into-full/out/kept", "into-file"};
    const struct check_dir *dir = *state;

    for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
        assert_int_equal(mkdirat(dir->fd, dirs[i], 0700), 0);
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        write_file(dir->fd, files[i], "x");
    AUTO(tree_free)
    struct tree *t =
        open_tree(dir, &(struct tree_dir_options){.skip = skip_some, .ctx = (void *)(uintptr_t)skip_some});
    check_names(t, "", "into-file into-full keep");
    check_names(t, "keep", "a");
    check_names(t, "into-full", "into-deep");
    check_names(t, "into-full/into-deep", "kept");
}

static void changes_under_our_hands_are_seen(void **state)
{
    static const char *const changes[] = {"grown", "shrunk",     "same size",        "replaced",
                                          "gone",  "a link now", "parent is a link", "pipe"};
    const struct check_dir *dir = *state;

    assert_int_equal(mkdirat(dir->fd, "d", 0700), 0);
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        struct source *from = NULL;
        write_file(dir->fd, "d/f", "1234");
        AUTO(tree_free) struct tree *t = open_tree(dir, NULL);
        struct node *n = find(t, "d/f");
        usleep(20000); /* a tick of the file system's clock */
        AUTO(fd_close) int fd = openat(dir->fd, "d/f", O_WRONLY);
        if (i == 0)
            assert_int_equal(pwrite(fd, "5", 1, 4), 1);
        else if (i == 1)
            assert_int_equal(ftruncate(fd, 3), 0);
        else if (i == 2)
            assert_int_equal(pwrite(fd, "9", 1, 0), 1);
        else if (i == 3)
            write_file(dir->fd, "d/f", "1234");
        else
            assert_int_equal(unlinkat(dir->fd, "d/f", 0), 0);
        if (i == 5)
            assert_int_equal(symlinkat("/etc/passwd", dir->fd, "d/f"), 0);
        if (i == 6) {
            assert_int_equal(renameat(dir->fd, "d", dir->fd, "e"), 0);
            write_file(dir->fd, "e/f", "1234");
            assert_int_equal(symlinkat("e", dir->fd, "d"), 0);
        }
        if (i == 7)
            assert_int_equal(mkfifoat(dir->fd, "d/f", 0600), 0);
        print_message("%s\n", changes[i]);
        check_error(node_open(n, &from), ERR_CONFLICT, "d/f: changed while it was read");
        if (i == 6) {
            assert_int_equal(unlinkat(dir->fd, "d", 0), 0);
            assert_int_equal(renameat(dir->fd, "e", dir->fd, "d"), 0);
        }
        (void)unlinkat(dir->fd, "d/f", 0);
    }
}

static void changes_in_the_middle_are_seen(void **state)
{
    const struct check_dir *dir = *state;
    AUTO(mem_free) char *text = mem_zero(400001, 1);

    memset(text, 'x', 400000);
    for (int i = 0; i < 2; i++) {
        AUTO(source_free) struct source *from = NULL;
        const uint8_t *data;
        size_t len;
        write_file(dir->fd, "f", text);
        AUTO(tree_free) struct tree *t = open_tree(dir, NULL);
        check_ok(node_open(find(t, "f"), &from));
        check_ok(source_peek(from, &data, &len));
        assert_true(len > 0 && len < 400000);
        source_advance(from, len);
        usleep(20000);
        AUTO(fd_close) int fd = openat(dir->fd, "f", O_WRONLY);
        if (i)
            assert_int_equal(ftruncate(fd, 200000), 0);
        else
            assert_int_equal(pwrite(fd, "y", 1, 0), 1);
        check_error(source_drain(from), ERR_CONFLICT, "f: changed while it was read");
    }
}

static void what_cannot_be_read_is_named(void **state)
{
    const struct check_dir *dir = *state;
    struct source *from = NULL;
    struct node **child;
    size_t count;

    if (geteuid() == 0)
        skip();
    assert_int_equal(mkdirat(dir->fd, "closed", 0700), 0);
    write_file(dir->fd, "secret", "x");
    assert_int_equal(fchmodat(dir->fd, "closed", 0, 0), 0);
    assert_int_equal(fchmodat(dir->fd, "secret", 0, 0), 0);
    AUTO(tree_free) struct tree *t = open_tree(dir, NULL);
    check_error(node_open(find(t, "secret"), &from), ERR_DENIED, "secret");
    check_error(tree_children(t, find(t, "closed"), &child, &count), ERR_DENIED, "closed");
}

static int lowest_free_fd(void)
{
    int fd = dup(0);

    close(fd);
    return fd;
}

static void few_descriptors_are_open(void **state)
{
    const struct check_dir *dir = *state;
    AUTO_VALUE(buf_wipe) struct buf path = BUF(BUF_NO_LIMIT);

    for (int i = 0; i < 300; i++) {
        buf_str(&path, i ? "/d" : "d");
        assert_int_equal(mkdirat(dir->fd, buf_text(&path), 0700), 0);
    }
    buf_str(&path, "/file");
    write_file(dir->fd, buf_text(&path), "deep");
    int free_fd = lowest_free_fd();
    struct rlimit old, few = {0};
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    few.rlim_max = old.rlim_max;
    few.rlim_cur = (rlim_t)free_fd + 4;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    {
        AUTO(tree_free) struct tree *t = open_tree(dir, NULL);
        AUTO(sink_free) struct sink *to = sink_discard();
        check_ok(tarwrite_tree(to, t, NULL));
        assert_int_equal(tree_node_count(t), 302);
    }
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_int_equal(lowest_free_fd(), free_fd);
}

#define AHEAD_DIRS 40

static bool leave_out_ninth(void *ctx, const char *path, bool is_dir, bool *enter)
{
    (void)ctx;
    *enter = false;
    return is_dir && str_eq(path, "d09/sub");
}

/* 40 directories with one below each, in which are a file, a second name of it, a link and an attribute. */
static void make_wide(int dirfd)
{
    for (int i = 0; i < AHEAD_DIRS; i++) {
        AUTO(mem_free) char *dir = mem_printf("d%02d", i);
        AUTO(mem_free) char *sub = mem_printf("%s/sub", dir);
        AUTO(mem_free) char *file = mem_printf("%s/file", sub);
        AUTO(mem_free) char *second = mem_printf("%s/second", dir);
        AUTO(mem_free) char *link = mem_printf("%s/link", sub);
        assert_int_equal(mkdirat(dirfd, dir, 0755), 0);
        assert_int_equal(mkdirat(dirfd, sub, 0755), 0);
        write_file(dirfd, file, file);
        assert_int_equal(linkat(dirfd, file, dirfd, second, 0), 0);
        assert_int_equal(symlinkat("../second", dirfd, link), 0);
    }
}

static struct digest layer_of(struct tree *t)
{
    struct digest d;
    AUTO(sink_free) struct sink *to = sink_digest(NULL, &d, NULL);

    check_ok(tarwrite_tree(to, t, NULL));
    check_ok(sink_commit(to));
    return d;
}

static void what_is_read_ahead_is_the_same(void **state)
{
    const struct check_dir *dir = *state;
    const struct tree_dir_options options = {.skip = leave_out_ninth};

    make_wide(dir->fd);
    AUTO(tree_free) struct tree *one = open_tree(dir, &options);
    struct digest wanted = layer_of(one);
    for (int round = 0; round < 10; round++) {
        AUTO(tree_free) struct tree *t = open_tree(dir, &options);
        tree_read_ahead(t, tree_root(t));
        assert_int_equal(tree_node_count(t), tree_node_count(one));
        check_names(t, "d08/sub", "file link");
        check_names(t, "d09", "second");
        check_content(find(t, "d39/second"), "d39/sub/file");
        assert_int_not_equal(find(t, "d07/second")->link_group, 0);
        assert_int_equal(find(t, "d07/second")->link_group, find(t, "d07/sub/file")->link_group);
        struct digest found = layer_of(t);
        assert_true(digest_equal(&found, &wanted));
    }
}

/* What cannot be read is found by whoever needs it. */
static void faults_ahead_wait(void **state)
{
    const struct check_dir *dir = *state;
    struct node **child;
    size_t count;

    make_wide(dir->fd);
    AUTO(tree_free) struct tree *t = open_tree(dir, NULL);
    check_names(t, "d20", "second sub");
    assert_int_equal(renameat(dir->fd, "d20/sub", dir->fd, "d20/other"), 0);
    tree_read_ahead(t, tree_root(t));
    check_error(tree_children(t, find(t, "d20/sub"), &child, &count), ERR_NOT_FOUND, "d20/sub");
    check_names(t, "d21/sub", "file link");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        check_with_dir(every_kind_of_node_is_read),
        check_with_dir(only_directories_are_opened),
        check_with_dir(content_follows_a_copied_node),
        check_with_dir(hard_links_are_seen),
        check_with_dir(xattrs_are_read),
        check_with_dir(many_xattrs_are_read),
        check_with_dir(what_is_left_out_is_not_there),
        check_with_dir(changes_under_our_hands_are_seen),
        check_with_dir(changes_in_the_middle_are_seen),
        check_with_dir(what_cannot_be_read_is_named),
        check_with_dir(few_descriptors_are_open),
        check_with_dir(what_is_read_ahead_is_the_same),
        check_with_dir(faults_ahead_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
