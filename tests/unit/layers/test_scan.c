/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/owner.h"
#include "base/str.h"
#include "layers/clone.h"
#include "layers/scan.h"
#include "treelist.h"

#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define EPOCH 315532800

/* Both run in shells of their own, in the directory. */
static void shell(const struct check_dir *dir, const char *script)
{
    AUTO(mem_free) char *line = mem_printf("cd '%s' && { %s; }", dir->path, script);

    assert_int_equal(system(line), 0);
}

#define BEFORE                                                                                           \
    "umask 022; mkdir -p r/d/sub r/gone r/empty; echo a >r/a; echo b >r/d/b; echo c >r/d/sub/c; "        \
    "echo g >r/gone/g; ln r/a r/hard; ln -s a r/soft; echo x >r/todir; mkdir r/tofile; chmod 4755 r/a; " \
    "find r -exec touch -hd @1000 {} +"

/* One line for each entry of the layer: path, type, whether it is opaque. */
static void names(struct buf *out, const struct node *n)
{
    static const char types[] = "fdlcbpw";
    AUTO(mem_free) char *path = node_path(n);

    if (*path && !(n->type == NODE_DIR && n->implicit))
        buf_printf(out, "%s%c:%s ", n->opaque ? "o" : "", types[n->type], path);
    for (uint32_t i = 0; i < n->child_count; i++)
        names(out, n->child[i]);
}

static void what_changed(void **state)
{
    struct check_dir *dir = *state;
    static const struct {
        const char *script, *layer;
    } rows[] = {
        {"true", ""},
        {"echo new >n", "f:n "},
        {"echo more >>d/b", "f:d/b "},
        {"chmod 600 d/sub/c", "f:d/sub/c "},
        {"rm d/b", "d:d w:d/b "},
        {"rm -r gone empty", "w:empty w:gone "},
        {"mv d/b d/e", "d:d w:d/b f:d/e "},
        {"rm todir && mkdir todir && rmdir tofile && echo f >tofile", "d:todir f:tofile "},
        {"ln -sf d soft", "l:soft "},
        {"mkfifo p", "p:p "},
        {"touch -d @1000 d/b && echo A >a && touch -d @1000 a", "f:a f:d/b f:hard "},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(tree_free) struct tree *before = NULL, *after = NULL, *layer = NULL;
        AUTO_VALUE(buf_wipe) struct buf found = BUF(1 << 16);
        AUTO(fd_close) int root = -1;
        AUTO(mem_free) char *script = mem_printf("cd r && umask 022 && %s", rows[i].script);
        const struct scan_options options = {.epoch = EPOCH};
        shell(dir, BEFORE);
        check_ok(fs_open(&root, dir->fd, "r", O_RDONLY | O_DIRECTORY, 0));
        check_ok(scan_take(&before, root));
        shell(dir, script);
        check_ok(scan_take(&after, root));
        check_ok(scan_compare(&layer, before, after, &options));
        tree_settle(layer);
        names(&found, tree_root(layer));
        if (!str_eq(found.len ? buf_text(&found) : "", rows[i].layer))
            fail_msg("%s: %s instead of %s", rows[i].script, found.len ? buf_text(&found) : "",
                     rows[i].layer);
        check_ok(fs_remove_tree(dir->fd, "r"));
    }
}

static void metadata(void **state)
{
    struct check_dir *dir = *state;
    AUTO(tree_free) struct tree *before = NULL, *after = NULL, *layer = NULL;
    AUTO(fd_close) int root = -1;
    AUTO_VALUE(owner_list_wipe) struct owner_list none = {0}, owners = {0};
    struct node *n = NULL;

    shell(dir, BEFORE);
    check_ok(fs_open(&root, dir->fd, "r", O_RDONLY | O_DIRECTORY, 0));
    check_ok(scan_take(&before, root));
    shell(dir, "echo n >r/n && ln r/n r/n2 && : >r/null && touch -d @500 r/null");
    check_ok(scan_take(&after, root));
    struct owner *other = owner_list_add(&owners, "d/b");
    other->uid = 3;
    other->gid = 4;
    struct owner *device = owner_list_add(&owners, "null");
    device->device_type = S_IFCHR;
    device->device_major = 1;
    device->device_minor = 3;
    owner_list_sort(&owners);
    const struct scan_options options = {.owners_before = &none, .owners_after = &owners, .epoch = EPOCH};
    check_ok(scan_compare(&layer, before, after, &options));
    tree_settle(layer);
    /* An owner that only the list knows is a change, too. */
    check_ok(tree_lookup(layer, "d/b", false, &n));
    assert_true(n && n->uid == 3 && n->gid == 4 && n->mtime == 1000);
    check_ok(tree_lookup(layer, "null", false, &n));
    assert_true(n && n->type == NODE_CHAR && n->device_major == 1 && n->device_minor == 3 && n->mtime == 500);
    check_ok(tree_lookup(layer, "n", false, &n));
    assert_true(n && n->mtime == EPOCH && n->link_group != 0 && n->uid == 0);
    struct node *second = NULL;
    check_ok(tree_lookup(layer, "n2", false, &second));
    assert_true(second && second->link_group == n->link_group);
}

/* A copy is the same, and what was there is replaced. */
static void clones(void **state)
{
    struct check_dir *dir = *state;
    AUTO(fd_close) int from = -1, to = -1;
    AUTO(tree_free) struct tree *one = NULL, *two = NULL;
    AUTO_VALUE(buf_wipe) struct buf wanted = BUF(1 << 20);
    AUTO_VALUE(buf_wipe) struct buf found = BUF(1 << 20);
    const struct clone_options options = {0};

    shell(dir, BEFORE "; mkfifo r/p; touch -hd @1000 r; mkdir -p t/a t/d/sub; echo old >t/d/b; ln -s / "
                      "t/hard; ln -s /etc t/gone");
    check_ok(fs_open(&from, dir->fd, "r", O_RDONLY | O_DIRECTORY, 0));
    check_ok(fs_open(&to, dir->fd, "t", O_RDONLY | O_DIRECTORY, 0));
    assert_int_equal(fsetxattr(from, "user.lade", "x", 1, 0), 0);
    check_ok(clone_dir(to, from, &options));
    check_ok(scan_take(&one, from));
    check_ok(scan_take(&two, to));
    tree_root(one)->mtime = tree_root(two)->mtime = 0;
    tree_root(one)->mtime_ns = tree_root(two)->mtime_ns = 0;
    tree_root(one)->xattr_count = tree_root(two)->xattr_count = 0;
    check_ok(treelist(&wanted, one));
    check_ok(treelist(&found, two));
    treelist_check("the copy", &found, &wanted);
    shell(dir, "[ r/a -ef r/hard ] && [ t/a -ef t/hard ] && ! [ t/a -ef r/a ]");
}

static void clones_of_overlays(void **state)
{
    struct check_dir *dir = *state;
    AUTO(fd_close) int from = -1, to = -1;
    const struct clone_options options = {.overlay = true};

    shell(dir, "mkdir -p u/opaque u/kept r/opaque/old r/kept r/away; : >r/opaque/x; : >r/kept/x; : "
               ">r/away/x; : >u/opaque/new; : >u/kept/new");
    check_ok(fs_open(&from, dir->fd, "u", O_RDONLY | O_DIRECTORY, 0));
    check_ok(fs_open(&to, dir->fd, "r", O_RDONLY | O_DIRECTORY, 0));
    if (mknodat(from, "away", S_IFCHR, 0) != 0)
        skip();
    AUTO(mem_free) char *opaque = mem_printf("%s/u/opaque", dir->path);
    assert_int_equal(setxattr(opaque, "user.overlay.opaque", "y", 1, 0), 0);
    check_ok(clone_dir(to, from, &options));
    shell(dir, "[ ! -e r/away ] && [ ! -e r/opaque/x ] && [ ! -e r/opaque/old ] && [ -e r/opaque/new ] && [ "
               "-e r/kept/x ] && [ -e r/kept/new ]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        check_with_dir(what_changed),
        check_with_dir(metadata),
        check_with_dir(clones),
        check_with_dir(clones_of_overlays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
