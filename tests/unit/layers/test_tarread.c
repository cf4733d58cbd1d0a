/* SPDX-License-Identifier: Apache-2.0 */
#include "base/digest.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "layers/spool.h"
#include "layers/tarread.h"
#include "tarcheck.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

static const char *const outside[] = {"../x", "..", "a/../../x", "/../x", "./../x", "a/b/../../../x", "/.."};
static const char *const roots[] = {"", ".", "/", "./", "//", "/.", "./.", "a/.."};

static void names_that_leave_the_root(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(outside); i++) {
        AUTO_VALUE(buf_wipe) struct buf b = BUF(BUF_NO_LIMIT);
        tar_file(&b, outside[i], "x");
        tar_end(&b);
        refused(&b, "leaves the root");
        AUTO_VALUE(buf_wipe) struct buf link = BUF(BUF_NO_LIMIT);
        tar_file(&link, "x", "x");
        tar_link(&link, "y", '1', outside[i]);
        tar_end(&link);
        refused(&link, "leaves the root");
    }
}

static void names_are_cleaned(void **state)
{
    static const char *const rows[][2] = {
        {"/abs/f", "abs/f"}, {"./a/./f", "a/f"},       {"a//f", "a/f"},
        {"a/../f", "f"},     {"a/b/../../c/f", "c/f"}, {"...", "..."},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_VALUE(buf_wipe) struct buf b = BUF(BUF_NO_LIMIT);
        tar_file(&b, rows[i][0], "x");
        tar_end(&b);
        AUTO(tree_free) struct tree *t = good(&b, true);
        struct node *n = at(t, rows[i][1]);
        assert_non_null(n);
        assert_int_equal(n->type, NODE_FILE);
        AUTO(mem_free) char *path = node_path(n);
        assert_string_equal(path, rows[i][1]);
    }
}

static void the_root_is_a_directory(void **state)
{
    static const char types[] = {'0', '1', '2', '3', '6'};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(roots); i++) {
        for (size_t k = 0; k < ARRAY_LEN(types); k++) {
            AUTO_VALUE(buf_wipe) struct buf b = BUF(BUF_NO_LIMIT);
            tar_header(&b, roots[i], types[k], 0, types[k] == '1' || types[k] == '2' ? "/canary" : NULL);
            tar_end(&b);
            AUTO(tree_free) struct tree *t = NULL;
            AUTO(err_free) struct err *e = read_tar(&t, &b, true, NULL);
            /* A regular file whose name ends in a slash is a directory to old writers. */
            bool as_dir = types[k] == '0' && str_ends(roots[i], "/");
            assert_true(as_dir ? !e : e && err_kind_of(e) == ERR_INPUT);
        }
    }
    AUTO_VALUE(buf_wipe) struct buf b = BUF(BUF_NO_LIMIT);
    size_t h = tar_header(&b, "./", '5', 0, NULL);
    tar_patch(&b, h, 100, "0001750", 7);
    tar_end(&b);
    AUTO(tree_free) struct tree *t = good(&b, true);
    assert_int_equal(tree_root(t)->mode, 01750);
    assert_false(tree_root(t)->implicit);
}

static void metadata(void **state)
{
    (void)state;
    AUTO_VALUE(buf_wipe) struct buf b = BUF(BUF_NO_LIMIT);
    size_t h = tar_header(&b, "dev/null", '3', 0, NULL);
    tar_patch(&b, h, 329, "0000001", 7);
    tar_patch(&b, h, 337, "0000003", 7);
    h = tar_header(&b, "suid", '0', 0, NULL);
    tar_patch(&b, h, 100, "0106755", 7); /* with bits of the file type */
    tar_patch(&b, h, 108, "0001750", 7);
    tar_patch(&b, h, 116, "0001751", 7);
    h = tar_header(&b, "big-uid", '0', 0, NULL);
    tar_patch(&b, h, 108, "\x80\0\0\0\xff\xff\xff\xfe", 8);
    h = tar_header(&b, "old", '0', 0, NULL);
    tar_patch(&b, h, 136, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfb", 12);
    tar_header(&b, "fifo", '6', 0, NULL);
    tar_link(&b, "l", '2', "/abs/../t");
    tar_end(&b);
    AUTO(tree_free) struct tree *t = good(&b, true);
    struct node *n = at(t, "dev/null");
    assert_int_equal(n->type, NODE_CHAR);
    assert_int_equal(n->device_major, 1);
    assert_int_equal(n->device_minor, 3);
    assert_int_equal(n->mtime, 15);
    assert_true(n->parent->implicit);
    n = at(t, "suid");
    assert_int_equal(n->mode, 06755);
    assert_int_equal(n->uid, 1000);
    assert_int_equal(n->gid, 1001);
    assert_int_equal(n->content.kind, CONTENT_NONE);
    assert_true(at(t, "big-uid")->uid == 4294967294u);
    assert_true(at(t, "old")->mtime == -5);
    assert_int_equal(at(t, "fifo")->type, NODE_FIFO);
    assert_string_equal(at(t, "l")->target, "/abs/../t");
}

static void hard_links(void **state)
{
    (void)state;
    AUTO_VALUE(buf_wipe) struct buf b = BUF(BUF_NO_LIMIT);
    tar_file(&b, "usr/bin/a", "text");
    tar_link(&b, "b", '1', "usr/bin/a");
    tar_link(&b, "c", '1', "/usr/bin/a"); /* kaniko writes them so */
    tar_link(&b, "l", '2', "nowhere");
    tar_link(&b, "m", '1', "l");
    tar_end(&b);
    AUTO(tree_free) struct tree *t = good(&b, true);
    struct node *a = at(t, "usr/bin/a");
    assert_int_not_equal(a->link_group, 0);
    assert_int_equal(at(t, "b")->link_group, a->link_group);
    assert_int_equal(at(t, "c")->link_group, a->link_group);
    assert_int_equal(at(t, "c")->content.entry, 0);
    assert_int_equal(at(t, "c")->size, 4);
    assert_int_equal(at(t, "m")->type, NODE_SYMLINK);
    assert_string_equal(at(t, "m")->target, "nowhere");

    static const struct {
        const char *name, *target, *part;
    } rows[] = {
        {"x", "absent", "does not stand before"},
        {"x", "/etc/shadow", "does not stand before"},
        {"x", "d", "to a directory"},
        {"x", "x", "does not stand before"},
        {"f", "f", "to itself"},
        {"x", "later", "does not stand before"},
        {"d", "d/in", "over a directory"},
        {"x", "l/absent", "does not stand before"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_VALUE(buf_wipe) struct buf bad = BUF(BUF_NO_LIMIT);
        tar_dir(&bad, "d/");
        tar_file(&bad, "d/in", "x");
        tar_link(&bad, "l", '2', "d");
        tar_file(&bad, "f", "x");
        tar_link(&bad, rows[i].name, '1', rows[i].target);
        tar_file(&bad, "later", "x");
        tar_end(&bad);
        refused_with(&bad, false, NULL, ERR_INPUT, rows[i].part);
    }
}

/* In a layer the file may be one of a layer below: who puts the layers together knows. */
static void hard_links_out_of_the_layer(void **state)
{
    (void)state;
    AUTO_VALUE(buf_wipe) struct buf b = BUF(BUF_NO_LIMIT);
    tar_link(&b, "b", '1', "/usr/bin/a");
    tar_link(&b, "c", '1', "b");
    tar_end(&b);
    AUTO(tree_free) struct tree *t = good(&b, true);
    assert_int_equal(at(t, "b")->type, NODE_LINK);
    assert_string_equal(at(t, "b")->target, "usr/bin/a");
    assert_int_equal(at(t, "c")->type, NODE_LINK);
    assert_string_equal(at(t, "c")->target, "usr/bin/a");
}

static void links_in_parents_stay_inside(void **state)
{
    (void)state;
    AUTO_VALUE(buf_wipe) struct buf b = BUF(BUF_NO_LIMIT);
    tar_link(&b, "etc", '2', "/canary");
    tar_file(&b, "etc/x", "1");
    tar_link(&b, "up", '2', "../../../../tmp");
    tar_file(&b, "up/y", "2");
    tar_dir(&b, "real/");
    tar_link(&b, "real/back", '2', "..");
    tar_file(&b, "real/back/z", "3");
    tar_end(&b);
    AUTO(tree_free) struct tree *t = good(&b, true);
    assert_int_equal(at(t, "etc")->type, NODE_SYMLINK);
    assert_non_null(at(t, "canary/x"));
    assert_non_null(at(t, "tmp/y"));
    assert_non_null(at(t, "z"));
    assert_true(at(t, "canary")->implicit);

    AUTO_VALUE(buf_wipe) struct buf loop = BUF(BUF_NO_LIMIT);
    tar_link(&loop, "a", '2', "b");
    tar_link(&loop, "b", '2', "a");
    tar_file(&loop, "a/x", "1");
    tar_end(&loop);
    refused_with(&loop, true, NULL, ERR_INPUT, "x.tar");

    AUTO_VALUE(buf_wipe) struct buf file = BUF(BUF_NO_LIMIT);
    tar_file(&file, "a", "1");
    tar_file(&file, "a/x", "1");
    tar_end(&file);
    refused(&file, "no directory");
    AUTO_VALUE(buf_wipe) struct buf through = BUF(BUF_NO_LIMIT);
    tar_file(&through, "a", "1");
    tar_link(&through, "b", '2', "a");
    tar_file(&through, "b/x", "1");
    tar_end(&through);
    refused(&through, "no directory");
}

static void the_last_of_two_wins(void **state)
{
    (void)state;
    AUTO_VALUE(buf_wipe) struct buf b = BUF(BUF_NO_LIMIT);
    tar_file(&b, "f", "first");
    tar_file(&b, "f", "second!");
    tar_file(&b, "d/in", "x");
    tar_file(&b, "d", "now a file");
    tar_dir(&b, "d");
    tar_file(&b, "d/other", "y");
    tar_dir(&b, "k/");
    tar_file(&b, "k/stays", "y");
    size_t h = tar_header(&b, "k", '5', 0, NULL);
    tar_patch(&b, h, 100, "0000700", 7);
    tar_link(&b, "s", '2', "k");
    tar_file(&b, "s/into", "k");
    tar_dir(&b, "s");
    tar_file(&b, "s/own", "s");
    tar_link(&b, "n", '2', "target");
    tar_file(&b, "n", "file over link");
    tar_end(&b);
    AUTO(tree_free) struct tree *t = good(&b, true);
    assert_int_equal(at(t, "f")->size, 7);
    assert_int_equal(at(t, "f")->content.entry, 1);
    assert_int_equal(at(t, "d")->type, NODE_DIR);
    assert_null(at(t, "d/in"));
    assert_non_null(at(t, "d/other"));
    assert_int_equal(at(t, "k")->mode, 0700);
    assert_non_null(at(t, "k/stays"));
    assert_non_null(at(t, "k/into"));
    assert_int_equal(at(t, "s")->type, NODE_DIR);
    assert_non_null(at(t, "s/own"));
    assert_null(at(t, "k/own"));
    assert_int_equal(at(t, "n")->type, NODE_FILE);
    assert_null(at(t, "target"));
}

static struct node *child(struct tree *t, struct node *dir, const char *name)
{
    struct node *n = NULL;
    assert_null(tree_child(t, dir, name, strlen(name), &n));
    return n;
}

static void whiteouts(void **state)
{
    (void)state;
    AUTO_VALUE(buf_wipe) struct buf b = BUF(BUF_NO_LIMIT);
    tar_file(&b, "d/.wh.gone", "");
    tar_file(&b, "o/sibling", "x");
    tar_file(&b, "o/.wh..wh..opq", "");
    tar_file(&b, "o/late", "x");
    tar_dir(&b, "o");
    tar_file(&b, ".wh.first", "");
    tar_file(&b, "first", "x");
    tar_file(&b, ".wh.dir", "");
    tar_file(&b, "dir/in", "x");
    tar_dir(&b, "dir2");
    tar_file(&b, "dir2/in", "x");
    tar_file(&b, ".wh.dir2", "");
    tar_dir(&b, ".wh..wh.plnk");
    tar_file(&b, ".wh..wh.plnk/1.2", "x");
    tar_header(&b, ".wh..wh.aufs", '0', 0, NULL);
    tar_end(&b);
    AUTO(tree_free) struct tree *t = good(&b, true);
    struct node *root = tree_root(t);
    assert_int_equal(child(t, child(t, root, "d"), "gone")->type, NODE_WHITEOUT);
    assert_true(child(t, root, "o")->opaque);
    assert_non_null(at(t, "o/sibling"));
    assert_non_null(at(t, "o/late"));
    assert_int_equal(at(t, "first")->type, NODE_FILE);
    assert_true(at(t, "dir")->opaque);
    assert_non_null(at(t, "dir/in"));
    assert_true(at(t, "dir2")->opaque);
    assert_non_null(at(t, "dir2/in"));
    assert_null(child(t, root, ".wh..wh.plnk"));
    assert_null(child(t, root, ".wh..wh.aufs"));

    AUTO(tree_free) struct tree *plain = good(&b, false);
    assert_int_equal(at(plain, "d/.wh.gone")->type, NODE_FILE);
    assert_false(at(plain, "o")->opaque);

    AUTO_VALUE(buf_wipe) struct buf whole = BUF(BUF_NO_LIMIT);
    tar_file(&whole, ".wh..wh..opq", "");
    tar_end(&whole);
    AUTO(tree_free) struct tree *all = good(&whole, true);
    assert_true(tree_root(all)->opaque);

    /* A name of 255 bytes is hidden by a longer one. */
    AUTO_VALUE(buf_wipe) struct buf longest = BUF(BUF_NO_LIMIT);
    AUTO(mem_free) char *hidden = mem_zero(1, 257);
    memset(hidden, 'n', 255);
    AUTO(mem_free) char *mark = mem_printf(".wh.%s", hidden);
    tar_pax(&longest, "path", mark);
    tar_file(&longest, "x", "");
    tar_end(&longest);
    AUTO(tree_free) struct tree *hides = good(&longest, true);
    assert_int_equal(child(hides, tree_root(hides), hidden)->type, NODE_WHITEOUT);
    refused_with(&longest, false, NULL, ERR_RESOURCE, "too long");

    static const char *const bad[] = {".wh.",     ".wh..",  ".wh...",  "x/.wh..",
                                      "x/.wh...", "x/.wh.", ".wh.a/b", "x/.wh.a/b"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        AUTO_VALUE(buf_wipe) struct buf w = BUF(BUF_NO_LIMIT);
        tar_file(&w, bad[i], "");
        tar_end(&w);
        refused(&w, "whiteout");
        AUTO(tree_free) struct tree *ordinary = good(&w, false);
        assert_non_null(at(ordinary, bad[i]));
    }
}

static void pax_records(void **state)
{
    (void)state;
    AUTO_VALUE(buf_wipe) struct buf b = BUF(BUF_NO_LIMIT);
    AUTO_VALUE(buf_wipe) struct buf body = BUF(BUF_NO_LIMIT);
    char name[301];
    memset(name, 'n', 150);
    memset(name + 150, 'm', 150);
    name[150] = '/';
    name[300] = '\0';
    tar_record(&body, "path", name, 300);
    tar_record(&body, "uid", "3000000000", 10);
    tar_record(&body, "gid", "7", 1);
    tar_record(&body, "mtime", "-12.5", 5);
    tar_record(&body, "size", "5", 1);
    tar_record(&body, "comment", "a\0b", 3);
    tar_record(&body, "SCHILY.xattr.user.b", "x\0y", 3);
    tar_record(&body, "SCHILY.xattr.security.capability", "\1\0\0\2", 4);
    tar_record(&body, "atime", "1.1", 3);
    tar_record(&body, "VENDOR.key", "v", 1);
    tar_extended(&b, 'g', "21 comment=something\n", 21);
    tar_extended(&b, 'x', body.data, body.len);
    tar_header(&b, "short", '0', 0, NULL); /* the pax size counts */
    tar_data(&b, "12345", 5);
    tar_pax(&b, "path", "b\xc3\xbc\xff/f"); /* UTF-8 and then not */
    tar_file(&b, "b__/f", "xyz");
    tar_pax(&b, "linkpath", "t\xc3\xbcr");
    tar_link(&b, "link", '2', "short");
    tar_file(&b, "after", "text");
    tar_end(&b);
    AUTO(tree_free) struct tree *t = good(&b, true);
    struct node *n = at(t, name);
    assert_non_null(n);
    assert_true(n->uid == 3000000000u);
    assert_int_equal(n->gid, 7);
    assert_int_equal(n->size, 5);
    assert_int_equal(n->content.entry, 0);
    assert_true(n->mtime == -13 || n->mtime == -12);
    assert_int_equal(n->mtime_ns, 500000000);
    assert_int_equal(n->xattr_count, 2);
    assert_string_equal(n->xattr[0].name, "security.capability");
    assert_int_equal(n->xattr[1].value_len, 3);
    assert_memory_equal(n->xattr[1].value, "x\0y", 3);
    assert_non_null(at(t, "b\xc3\xbc\xff/f"));
    assert_int_equal(at(t, "b\xc3\xbc\xff/f")->content.entry, 1);
    assert_string_equal(at(t, "link")->target, "t\xc3\xbcr");
    assert_int_equal(at(t, "after")->content.entry, 3);
}

static void long_names(void **state)
{
    (void)state;
    AUTO_VALUE(buf_wipe) struct buf b = BUF(BUF_NO_LIMIT);
    char name[4098];
    for (size_t i = 0; i < sizeof name; i++)
        name[i] = i % 200 == 199 ? '/' : 'a';
    name[4095] = '\0';
    tar_extended(&b, 'L', name, 4096);
    tar_file(&b, "cut", "x");
    tar_extended(&b, 'K', name, 4096);
    tar_link(&b, "l", '2', "cut");
    tar_pax(&b, "path", name);
    tar_file(&b, "cut", "again");
    tar_end(&b);
    AUTO(tree_free) struct tree *t = good(&b, true);
    assert_int_equal(at(t, name)->size, 5);
    assert_string_equal(at(t, "l")->target, name);

    name[4095] = 'b';
    name[4096] = '\0';
    const char types[] = {'L', 'K', 'x'};
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        AUTO_VALUE(buf_wipe) struct buf over = BUF(BUF_NO_LIMIT);
        if (types[i] == 'x')
            tar_pax(&over, "path", name);
        else
            tar_extended(&over, types[i], name, 4097);
        tar_link(&over, "l", '2', "cut");
        tar_end(&over);
        refused_with(&over, true, NULL, ERR_RESOURCE, "too long");
    }
    char part[258];
    memset(part, 'c', sizeof part);
    part[255] = '\0';
    AUTO_VALUE(buf_wipe) struct buf fits = BUF(BUF_NO_LIMIT);
    tar_pax(&fits, "path", part);
    tar_file(&fits, "cut", "x");
    AUTO(tree_free) struct tree *t2 = good(&fits, true);
    assert_non_null(at(t2, part));
    part[255] = 'c';
    part[256] = '\0';
    AUTO_VALUE(buf_wipe) struct buf over = BUF(BUF_NO_LIMIT);
    tar_pax(&over, "path", part);
    tar_file(&over, "cut", "x");
    refused_with(&over, true, NULL, ERR_RESOURCE, "too long");
}

/* One sparse file: a hole of 1000 bytes, "data", and a hole to the end at 2000. */
static void check_sparse(const struct buf *b)
{
    AUTO(spool_free) struct spool *spool = NULL;
    assert_null(spool_new(&spool, AT_FDCWD));
    AUTO(source_free) struct source *s = source_mem(b->data, b->len);
    struct tarread_options options = {.what = "x.tar", .spool = spool};
    AUTO(tree_free) struct tree *t = NULL;
    struct err *e = tarread_tree(&t, s, &options);
    if (e)
        print_error("%s\n", err_message(e));
    assert_null(e);
    struct node *n = at(t, "f");
    assert_non_null(n);
    assert_int_equal(n->size, 2000);
    AUTO(source_free) struct source *bytes = NULL;
    assert_null(node_open(n, &bytes));
    AUTO_VALUE(buf_wipe) struct buf data = BUF(4096);
    assert_null(source_read_all(bytes, &data, "f"));
    assert_int_equal(data.len, 2000);
    for (size_t i = 0; i < data.len; i++)
        assert_int_equal(data.data[i], i >= 1000 && i < 1004 ? "data"[i - 1000] : 0);
    assert_int_equal(at(t, "after")->size, 5);
}

static void sparse_files(void **state)
{
    (void)state;
    AUTO_VALUE(buf_wipe) struct buf old = BUF(BUF_NO_LIMIT);
    size_t h = tar_header(&old, "f", 'S', 4, NULL);
    tar_patch(&old, h, 257, "ustar  ", 8);
    tar_patch(&old, h, 386,
              "00000001750\0"
              "00000000004\0"
              "00000003720\0"
              "00000000000\0",
              48);
    tar_patch(&old, h, 483, "00000003720", 12);
    tar_data(&old, "data", 4);
    tar_file(&old, "after", "after");
    tar_end(&old);
    check_sparse(&old);

    AUTO_VALUE(buf_wipe) struct buf v1 = BUF(BUF_NO_LIMIT);
    AUTO_VALUE(buf_wipe) struct buf body = BUF(BUF_NO_LIMIT);
    tar_record(&body, "GNU.sparse.major", "1", 1);
    tar_record(&body, "GNU.sparse.minor", "0", 1);
    tar_record(&body, "GNU.sparse.name", "f", 1);
    tar_record(&body, "GNU.sparse.realsize", "2000", 4);
    tar_extended(&v1, 'x', body.data, body.len);
    tar_header(&v1, "GNUSparseFile.0/f", '0', 512 + 4, NULL);
    tar_data(&v1, "2\n1000\n4\n2000\n0\n", 16);
    tar_data(&v1, "data", 4);
    tar_file(&v1, "after", "after");
    tar_end(&v1);
    check_sparse(&v1);

    AUTO_VALUE(buf_wipe) struct buf bomb = BUF(BUF_NO_LIMIT);
    tar_extended(&bomb, 'x', body.data, body.len);
    tar_header(&bomb, "f", '0', 512 + 4, NULL);
    tar_data(&bomb, "65537\n1000\n4\n2000\n0\n", 20);
    tar_data(&bomb, "data", 4);
    tar_end(&bomb);
    refused_with(&bomb, false, NULL, ERR_RESOURCE, "regions");

    AUTO_VALUE(buf_wipe) struct buf hole = BUF(BUF_NO_LIMIT);
    h = tar_header(&hole, "f", 'S', 0, NULL);
    tar_patch(&hole, h, 257, "ustar  ", 8);
    tar_patch(&hole, h, 386,
              "77777777777\0"
              "00000000000\0",
              24);
    tar_patch(&hole, h, 483, "\x80\0\0\0\x00\x0f\0\0\0\0\0\0", 12);
    tar_end(&hole);
    refused_with(&hole, false, NULL, ERR_RESOURCE, "files have more than");
}

static void accounts(void **state)
{
    (void)state;
    AUTO_VALUE(buf_wipe) struct buf b = BUF(BUF_NO_LIMIT);
    tar_file(&b, "./etc/passwd", "root:x:0:0::/:/bin/sh\n");
    tar_file(&b, "etc/group", "root:x:0:\n");
    tar_file(&b, "x/etc/passwd", "no\n");
    tar_end(&b);
    AUTO(tree_free) struct tree *t = good(&b, true);
    assert_int_equal(at(t, "etc/passwd")->content.kind, CONTENT_MEM);
    assert_string_equal(at(t, "etc/passwd")->content.mem, "root:x:0:0::/:/bin/sh\n");
    assert_string_equal(at(t, "etc/group")->content.mem, "root:x:0:\n");
    assert_int_equal(at(t, "x/etc/passwd")->content.kind, CONTENT_LAYER);
    assert_int_equal(at(t, "x/etc/passwd")->content.entry, 2);
    AUTO(tree_free) struct tree *plain = good(&b, false);
    assert_int_equal(at(plain, "etc/passwd")->content.kind, CONTENT_LAYER);
}

struct seen {
    unsigned calls;
    char text[64];
};

static struct err *see(void *ctx, uint32_t entry, struct node *n, struct source *bytes)
{
    struct seen *s = ctx;
    char head[3] = {0};
    size_t got;

    TRY(source_read(bytes, head, 2, &got)); /* the rest is skipped */
    size_t len = strlen(s->text);
    snprintf(s->text + len, sizeof s->text - len, "%u %s %s;", entry, n->name, head);
    s->calls++;
    return NULL;
}

static void files_as_they_come(void **state)
{
    (void)state;
    AUTO_VALUE(buf_wipe) struct buf b = BUF(BUF_NO_LIMIT);
    tar_dir(&b, "d");
    tar_file(&b, "d/one", "1111");
    tar_file(&b, "d/none", "");
    tar_file(&b, "d/two", "22");
    tar_end(&b);
    AUTO(source_free) struct source *s = source_mem(b.data, b.len);
    struct seen seen = {0};
    struct tarread_options options = {.what = "x.tar", .file = see, .ctx = &seen};
    AUTO(tree_free) struct tree *t = NULL;
    assert_null(tarread_tree(&t, s, &options));
    assert_string_equal(seen.text, "1 one 11;2 none ;3 two 22;");
}

static void is_it_an_archive(void **state)
{
    (void)state;
    AUTO_VALUE(buf_wipe) struct buf tar = BUF(BUF_NO_LIMIT);
    tar_file(&tar, "f", "x");
    tar_end(&tar);
    static const struct {
        const char *data;
        size_t len;
    } no[] = {
        {"", 0}, {"text", 4}, {"\x1f\x8b\x08\0broken", 10}, {"BZh9broken", 10}, {"\xfd\x37zXZ\0broken", 12}};
    for (size_t i = 0; i <= ARRAY_LEN(no); i++) {
        bool yes = false;
        bool tarred = i == ARRAY_LEN(no);
        AUTO(source_free)
        struct source *s = source_mem(tarred ? tar.data : no[i].data, tarred ? tar.len : no[i].len);
        assert_null(tarread_is_archive(s, &yes));
        assert_int_equal(yes, tarred);
        AUTO_VALUE(buf_wipe) struct buf again = BUF(8192);
        assert_null(source_read_all(s, &again, "again"));
        assert_int_equal(again.len, tarred ? tar.len : no[i].len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_that_leave_the_root),
        cmocka_unit_test(names_are_cleaned),
        cmocka_unit_test(the_root_is_a_directory),
        cmocka_unit_test(metadata),
        cmocka_unit_test(hard_links),
        cmocka_unit_test(hard_links_out_of_the_layer),
        cmocka_unit_test(links_in_parents_stay_inside),
        cmocka_unit_test(the_last_of_two_wins),
        cmocka_unit_test(whiteouts),
        cmocka_unit_test(pax_records),
        cmocka_unit_test(long_names),
        cmocka_unit_test(sparse_files),
        cmocka_unit_test(accounts),
        cmocka_unit_test(files_as_they_come),
        cmocka_unit_test(is_it_an_archive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
