/* SPDX-License-Identifier: Apache-2.0 */
#include "copy_help.h"

#include "base/io.h"
#include "layers/spool.h"
#include "layers/tarwrite.h"

/* ADD of archives: what the archive holds, over what the stage has. */
struct unpack_row {
    const char *name, *stage, *archive, *dest, *want, *chown, *part;
};

/* A tree as the bytes of a tar, as a file of the context. */
static struct tree *context_with(const char *archive, struct buf *bytes)
{
    AUTO(tree_free) struct tree *inside = help_tree(archive);
    AUTO(sink_free) struct sink *to = sink_buf(bytes);
    struct tarwrite_options options = {.with_root = false};
    check_ok(tarwrite_tree(to, inside, &options));
    check_ok(sink_commit(to));
    struct tree *context = help_tree("f 644 1:1 t.tar\nf 644 1:1 plain text\nf 644 1:1 empty\n");
    struct node *n = NULL;
    check_ok(tree_lookup(context, "t.tar", false, &n));
    n->content.kind = CONTENT_MEM;
    n->content.mem = buf_text(bytes);
    n->size = bytes->len;
    return context;
}

static void run(const struct unpack_row *row, int dirfd)
{
    AUTO_VALUE(buf_wipe) struct buf bytes = BUF(1 << 20);
    AUTO_VALUE(buf_wipe) struct buf got = BUF(1 << 20);
    AUTO(spool_free) struct spool *spool = NULL;
    AUTO(tree_free) struct tree *from = context_with(row->archive, &bytes);
    AUTO(tree_free) struct tree *stage = help_tree(row->stage);
    AUTO(tree_free) struct tree *layer = tree_new();
    check_ok(spool_new(&spool, dirfd));
    struct help_row step = {
        .sources = "t.tar", .dest = row->dest, .chown = row->chown, .add = true, .unpack = true};
    struct err *e = help_run(&step, from, stage, layer, spool);
    if (row->part) {
        check_error(e, ERR_INPUT, row->part);
        return;
    }
    check_ok(e);
    help_dump(layer, tree_root(layer), &got, true);
    if (!str_eq(buf_text(&got), row->want))
        fail_msg("row \"%s\" gives\n%sbut should\n%s", row->name, buf_text(&got), row->want);
}

static void archives(void **state)
{
    static const struct unpack_row rows[] = {
        {"owners, modes and times of the archive", "",
         "d 700 1:2 a @7\nf 4755 3:4 a/b xyz @5000\nl 777 5:6 a/l b\n", "/x/",
         "d 755 0:0 x @1000\nd 700 1:2 x/a @7\nf 4755 3:4 x/a/b @1000\nl 777 5:6 x/a/l b @500\n"},
        {"the destination needs no slash", "", "f 644 1:1 b xyz\n", "/x",
         "d 755 0:0 x @1000\nf 644 1:1 x/b @500\n"},
        {"chown counts, also for the destination", "", "d 700 1:2 a\nf 644 3:4 a/b xyz\n", "/x",
         "d 755 7:8 x @1000\nd 700 7:8 x/a @500\nf 644 7:8 x/a/b @500\n", .chown = "7:8"},
        {"directories that are only named belong to root", "", "f 644 3:4 a/b xyz\n", "/",
         "d 755 0:0 a @1000\nf 644 7:8 a/b @500\n", .chown = "7:8"},
        {"an existing directory stays when it is only named", "d 711 1:1 a\n", "f 644 3:4 a/b xyz\n", "/",
         "f 644 3:4 a/b @500\n"},
        {"and is changed when it is listed", "d 711 1:1 a\n", "d 700 3:4 a\n", "/", "d 700 3:4 a @500\n"},
        {"a file replaces a directory", "d 711 1:1 a\nf 644 1:1 a/old o\n", "f 644 3:4 a xyz\n", "/",
         "f 644 3:4 a @500\n"},
        {"a directory replaces a file", "f 644 1:1 a o\n", "d 700 3:4 a\nf 644 3:4 a/b xyz\n", "/",
         "d 700 3:4 a @500\nf 644 3:4 a/b @500\n"},
        {"a listed directory replaces a link", "d 755 0:0 run\nl 777 0:0 var/run /run\n",
         "d 700 3:4 var/run\nf 644 3:4 var/run/x xyz\n", "/",
         "d 700 3:4 var/run @500\nf 644 3:4 var/run/x @500\n"},
        {"below a link that is only named it goes where that leads",
         "d 755 0:0 run\nl 777 0:0 var/run /run\n", "d 700 3:4 var/run/act\nf 644 3:4 var/run/act/x xyz\n",
         "/", "d 700 3:4 run/act @500\nf 644 3:4 run/act/x @500\n"},
        {"the destination is the root of links", "d 755 0:0 run\nl 777 0:0 opt/lib /run\nd 755 0:0 opt/run\n",
         "f 644 3:4 lib/x xyz\n", "/opt", "f 644 3:4 opt/run/x @500\n"},
        {"the destination may be a link", "d 755 0:0 real\nl 777 0:0 x real\n", "f 644 3:4 b xyz\n", "/x",
         "f 644 3:4 real/b @500\n"},
        {"a file is in the way", "f 644 1:1 a o\n", "f 644 3:4 a/b xyz\n", "/", NULL, NULL,
         "/a is not a directory"},
        {"the destination is a file", "f 644 1:1 a o\n", "f 644 3:4 b xyz\n", "/a", NULL, NULL,
         "/a is not a directory"},
        {"hard links", "", "f 644 3:4 a xyz\nh 644 3:4 b a\n", "/",
         "f 644 3:4 a =1 @500\nf 644 3:4 b =1 @500\n"},
    };
    const struct check_dir *dir = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        run(&rows[i], dir->fd);
}

static void content_arrives(void **state)
{
    const struct check_dir *dir = *state;
    AUTO_VALUE(buf_wipe) struct buf bytes = BUF(1 << 20);
    AUTO_VALUE(buf_wipe) struct buf text = BUF(1 << 20);
    AUTO(spool_free) struct spool *spool = NULL;
    AUTO(tree_free) struct tree *from = context_with("f 644 1:1 a/b xyz\n", &bytes);
    AUTO(tree_free) struct tree *layer = tree_new();
    struct node *n = NULL;
    check_ok(spool_new(&spool, dir->fd));
    struct help_row step = {.sources = "t.tar", .dest = "/", .add = true, .unpack = true};
    check_ok(help_run(&step, from, NULL, layer, spool));
    check_ok(tree_lookup(layer, "a/b", false, &n));
    AUTO(source_free) struct source *s = NULL;
    check_ok(node_open(n, &s));
    check_ok(source_read_all(s, &text, "b"));
    assert_string_equal(buf_text(&text), "xyz");
}

static void other_files_are_copied(void **state)
{
    const struct check_dir *dir = *state;
    AUTO_VALUE(buf_wipe) struct buf bytes = BUF(1 << 20);
    AUTO_VALUE(buf_wipe) struct buf got = BUF(1 << 20);
    AUTO(spool_free) struct spool *spool = NULL;
    AUTO(tree_free) struct tree *from = context_with("f 644 1:1 b xyz\n", &bytes);
    AUTO(tree_free) struct tree *layer = tree_new();
    AUTO(tree_free) struct tree *plain = tree_new();
    struct node *n = NULL;
    check_ok(spool_new(&spool, dir->fd));
    struct help_row step = {.sources = "*", .dest = "/d/", .add = true, .unpack = true, .chmod = "600"};
    check_ok(help_run(&step, from, NULL, layer, spool));
    help_dump(layer, tree_root(layer), &got, false);
    assert_string_equal(buf_text(&got),
                        "d 600 0:0 d\nf 644 1:1 d/b\nf 600 0:0 d/empty\nf 600 0:0 d/plain text\n");
    step.unpack = false;
    step.sources = "t.tar";
    check_ok(help_run(&step, from, NULL, plain, spool));
    check_ok(tree_lookup(plain, "d/t.tar", false, &n));
    assert_non_null(n);
    assert_int_equal(n->size, bytes.len);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        check_with_dir(archives),
        check_with_dir(content_arrives),
        check_with_dir(other_files_are_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
