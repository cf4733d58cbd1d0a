/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "golden_trees.h"
#include "layers/tree_inner.h"

/* The whole tree as text, one path a line: a directory ends in a slash, and in a star when it is opaque; a
 * whiteout begins with an exclamation mark. */
static void dump_node(struct tree *t, struct node *dir, struct buf *out)
{
    struct node **child;
    size_t count;

    check_ok(tree_children(t, dir, &child, &count));
    for (size_t i = 0; i < count; i++) {
        AUTO(mem_free) char *path = node_path(child[i]);
        assert_ptr_equal(child[i]->parent, dir);
        buf_printf(out, "%s%s", child[i]->type == NODE_WHITEOUT ? "!" : "", path);
        if (child[i]->type == NODE_DIR)
            buf_str(out, child[i]->opaque ? "/*" : "/");
        if (child[i]->type == NODE_SYMLINK)
            buf_printf(out, " -> %s", child[i]->target);
        buf_byte(out, '\n');
        dump_node(t, child[i], out);
    }
}

static void check_tree(struct tree *t, const char *wanted)
{
    AUTO_VALUE(buf_wipe) struct buf out = BUF(BUF_NO_LIMIT);
    size_t lines = 1;

    dump_node(t, tree_root(t), &out);
    assert_string_equal(buf_text(&out), wanted);
    for (const char *at = wanted; *at; at++)
        lines += *at == '\n';
    assert_int_equal(tree_node_count(t), lines);
}

/* A tree from such lines. Parents that have no line of their own are implicit. */
static struct tree *tree_from(const char *lines)
{
    struct tree *t = tree_new();

    while (*lines) {
        size_t len = strcspn(lines, "\n");
        AUTO(mem_free) char *line = mem_strndup(lines, len);
        char *arrow = strstr(line, " -> ");
        lines += len + (lines[len] == '\n');
        if (arrow)
            *arrow = '\0';
        len = strlen(line);
        if (arrow) {
            plant_link(t, line, arrow + 4);
        } else if (line[0] == '!') {
            plant(t, line + 1, NODE_WHITEOUT, 0);
        } else if (line[len - 1] == '*') {
            line[len - 2] = '\0';
            plant(t, line, NODE_DIR, 0700)->opaque = true;
        } else if (line[len - 1] == '/') {
            line[len - 1] = '\0';
            plant(t, line, NODE_DIR, 0700);
        } else {
            plant_file(t, line, 0600, line);
        }
    }
    return t;
}

static void children_are_in_order_of_bytes(void **state)
{
    AUTO(tree_free) struct tree *t = tree_from("b\na\n\xff\nab\na-\nB\na/\n");

    (void)state;
    check_tree(t, "B\na/\na-\nab\nb\n\xff\n");
}

/* Enough children, in an order that needs both runs, compared with a plain sort. */
static void many_children_in_any_order(void **state)
{
    enum { COUNT = 20000 };
    AUTO(tree_free) struct tree *t = tree_new();
    struct node *root = tree_root(t), *found, **child;
    uint32_t at = 1;
    size_t count, added = 0;
    char name[16];

    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        at = (at * 1103515245u + 12345u) & 0x7fffffffu;
        snprintf(name, sizeof name, "n%u", at % 100000);
        check_ok(tree_child(t, root, name, strlen(name), &found));
        added += !found;
        tree_add(t, root, name, strlen(name), NODE_FILE)->size = i;
        check_ok(tree_child(t, root, name, strlen(name), &found));
        assert_non_null(found);
        assert_int_equal(found->size, i);
        if (i % 7 == 0) {
            tree_remove(t, found);
            added--;
            check_ok(tree_child(t, root, name, strlen(name), &found));
            assert_null(found);
        }
    }
    check_ok(tree_children(t, root, &child, &count));
    assert_int_equal(count, added);
    assert_int_equal(tree_node_count(t), added + 1);
    for (size_t i = 1; i < count; i++)
        assert_true(strcmp(child[i - 1]->name, child[i]->name) < 0);
}

static void a_name_is_reused(void **state)
{
    AUTO(tree_free) struct tree *t = tree_from("d/*\nd/x\nd/y/z\nf\n");
    struct node *d;

    (void)state;
    check_ok(tree_lookup(t, "d", false, &d));
    node_set_xattr(t, d, "user.x", "1", 1);
    struct node *again = tree_add(t, tree_root(t), "d", 1, NODE_DIR);
    assert_ptr_equal(again, d);
    assert_int_equal(d->mode, 0);
    assert_int_equal(d->xattr_count, 0);
    check_tree(t, "d/*\nd/x\nd/y/\nd/y/z\nf\n");
    tree_add(t, tree_root(t), "d", 1, NODE_FILE);
    check_tree(t, "d\nf\n");
    tree_add(t, tree_root(t), "d", 1, NODE_DIR);
    check_tree(t, "d/\nf\n");
}

static void paths_are_made(void **state)
{
    AUTO(tree_free) struct tree *t = tree_from("d/\nf\nl -> d\n");

    (void)state;
    assert_ptr_equal(tree_make_path(t, ""), tree_root(t));
    assert_ptr_equal(tree_make_path(t, "//./d/../.."), tree_root(t));
    struct node *n = tree_make_path(t, "/d/./e//g/../h/");
    assert_true(n->implicit);
    assert_int_equal(n->mode, 0755);
    AUTO(mem_free) char *path = node_path(n);
    assert_string_equal(path, "d/e/h");
    assert_false(tree_make_path(t, "d")->implicit);
    tree_make_path(t, "f/x");
    tree_make_path(t, "l");
    check_tree(t, "d/\nd/e/\nd/e/g/\nd/e/h/\nf/\nf/x/\nl/\n");
}

static const char walk_lines[] =
    "bin -> usr/bin\nusr/bin/sh\nusr/lib/\nabs -> /usr\nup -> ../../usr/lib/..\nself -> self\na -> b\n"
    "b -> a\ndangling -> no/where\nusr/back -> ../abs/lib\nfile\nfilelink -> file\nslash -> usr/\nroot -> "
    "/\n!gone\n"
    "usr/lib/deep -> ../../dangling/x\nthroughfile -> file/x\n";

static void paths_are_looked_up(void **state)
{
    static const struct {
        const char *path;
        bool follow;
        const char *found; /* NULL: absent */
    } cases[] = {
        {"", false, ""},
        {"/", true, ""},
        {".", false, ""},
        {"..", false, ""},
        {"../../usr", false, "usr"},
        {"//usr//bin/./sh", false, "usr/bin/sh"},
        {"/bin/sh", false, "usr/bin/sh"},
        {"bin", false, "bin"},
        {"bin", true, "usr/bin"},
        {"bin/", false, "bin"},
        {"bin/.", false, "usr/bin"},
        {"bin/..", false, "usr"},
        {"abs/bin", false, "usr/bin"},
        {"up/bin/sh", false, "usr/bin/sh"},
        {"usr/back", true, "usr/lib"},
        {"usr/back", false, "usr/back"},
        {"slash", true, "usr"},
        {"root/file", false, "file"},
        {"root", true, ""},
        {"file/..", false, NULL},
        {"file/.", false, NULL},
        {"file/x", false, NULL},
        {"file", true, "file"},
        {"filelink", true, "file"},
        {"filelink/x", true, NULL},
        {"no", false, NULL},
        {"no/..", false, NULL},
        {"no/../usr", false, NULL},
        {"dangling", false, "dangling"},
        {"dangling", true, NULL},
        {"dangling/x", false, NULL},
        {"throughfile", true, NULL},
        {"gone", false, NULL},
        {"self", false, "self"},
    };

    (void)state;
    AUTO(tree_free) struct tree *t = tree_from(walk_lines);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct node *found;
        check_ok(tree_lookup(t, cases[i].path, cases[i].follow, &found));
        AUTO(mem_free) char *path = found ? node_path(found) : mem_strdup("(absent)");
        const char *wanted = cases[i].found ? cases[i].found : "(absent)";
        if (strcmp(path, wanted) != 0)
            print_error("lookup of %s\n", cases[i].path);
        assert_string_equal(path, wanted);
    }
}

static void paths_are_resolved(void **state)
{
    static const struct {
        const char *path;
        bool follow;
        const char *place;
    } cases[] = {
        {"", true, ""},
        {"/", true, ""},
        {"new", true, "new"},
        {"new/deep/", true, "new/deep"},
        {"bin/new", true, "usr/bin/new"},
        {"abs/new/../other", true, "usr/other"},
        {"new/../../bin/x", true, "usr/bin/x"},
        {"new/deep/../../..", true, ""},
        {"dangling", true, "no/where"},
        {"dangling", false, "dangling"},
        {"dangling/x", false, "no/where/x"},
        {"usr/lib/deep", true, "no/where/x"},
        {"file/x", true, "file/x"},
        {"file/../usr", true, "usr"},
        {"throughfile/y", true, "file/x/y"},
        {"gone/x", true, "gone/x"},
        {"../../../etc", true, "etc"},
    };

    (void)state;
    AUTO(tree_free) struct tree *t = tree_from(walk_lines);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO(mem_free) char *place = NULL;
        check_ok(tree_resolve(t, cases[i].path, cases[i].follow, &place));
        if (strcmp(place, cases[i].place) != 0)
            print_error("resolve %s\n", cases[i].path);
        assert_string_equal(place, cases[i].place);
    }
}

static void loops_of_links_end(void **state)
{
    static const char *const paths[] = {"self/x", "a/x", "b/../x"};
    AUTO(tree_free) struct tree *t = tree_from(walk_lines);
    struct node *found;
    char *place;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        check_error(tree_lookup(t, paths[i], false, &found), ERR_INPUT, "circle");
        check_error(tree_resolve(t, paths[i], false, &place), ERR_INPUT, "circle");
    }
    check_error(tree_lookup(t, "self", true, &found), ERR_INPUT, "self: too many");
    /* A chain of 255 is still followed, and one that doubles itself does not eat memory. */
    for (int i = 0; i <= 256; i++) {
        char name[16], target[16];
        snprintf(name, sizeof name, "c%d", i);
        snprintf(target, sizeof target, "c%d", i + 1);
        if (i == 256)
            plant_file(t, name, 0600, "");
        else
            plant_link(t, name, target);
    }
    check_ok(tree_lookup(t, "c1", true, &found));
    assert_non_null(found);
    check_error(tree_lookup(t, "c0", true, &found), ERR_INPUT, "circle");
    AUTO(mem_free) char *twice = repeat("twice/", 600, "");
    plant_link(t, "twice", twice);
    check_error(tree_lookup(t, "twice", true, &found), ERR_INPUT, "circle");
}

static void layers_are_applied(void **state)
{
    static const struct {
        const char *what, *base, *layer, *wanted;
    } cases[] = {
        {"adds", "a\n", "b\nc/d\n", "a\nb\nc/\nc/d\n"},
        {"replaces a file", "a\n", "a\n", "a\n"},
        {"merges directories", "d/a\nd/c\n", "d/\nd/b\n", "d/\nd/a\nd/b\nd/c\n"},
        {"whiteout of a file", "a\nb\n", "!a\n", "b\n"},
        {"whiteout of a tree", "d/e/f\nd/g\nh\n", "!d\n", "h\n"},
        {"whiteout deep", "d/e/f\nd/g\n", "!d/e\n", "d/\nd/g\n"},
        {"whiteout of nothing", "a\n", "!b\n!c/d\n", "a\nc/\n"},
        {"whiteout of a link", "a\nl -> a\n", "!l\n", "a\n"},
        {"opaque", "d/a\nd/e/f\ng\n", "d/*\nd/b\n", "d/\nd/b\ng\n"},
        {"opaque and empty", "d/a\n", "d/*\n", "d/\n"},
        {"opaque over nothing", "a\n", "d/*\nd/b\n", "a\nd/\nd/b\n"},
        {"opaque over a file", "d\n", "d/*\nd/b\n", "d/\nd/b\n"},
        {"directory over a file", "a\n", "a/\na/b\n", "a/\na/b\n"},
        {"file over a directory", "a/b/c\n", "a\n", "a\n"},
        {"link over a directory", "a/b/c\n", "a -> x\n", "a -> x\n"},
        {"directory over a link", "l -> d\nd/a\n", "l/\nl/b\n", "d/\nd/a\nl/\nl/b\n"},
        {"below a link", "l -> d\nd/a\n", "l/b\n", "d/\nd/a\nd/b\nl -> d\n"},
        {"below a chain", "l -> /m\nm -> d/e\nd/e/a\n", "l/b/c\n",
         "d/\nd/e/\nd/e/a\nd/e/b/\nd/e/b/c\nl -> /m\nm -> d/e\n"},
        {"below a dangling link", "l -> no/where\n", "l/b\n", "l -> no/where\nno/\nno/where/\nno/where/b\n"},
        {"below a link out", "l -> ../../x\n", "l/b\n", "l -> ../../x\nx/\nx/b\n"},
        {"below a loop", "l -> l\n", "l/b\n", "l/\nl/b\n"},
        {"below a link to a file", "l -> f\nf\n", "l/b\n", "f\nl/\nl/b\n"},
        {"whiteout below a link", "l -> d\nd/a\nd/b\n", "!l/a\n", "d/\nd/b\nl -> d\n"},
        {"file over a link", "l -> d\nd/a\n", "l\n", "d/\nd/a\nl\n"},
        {"nothing", "a\n", "", "a\n"},
        {"on nothing", "", "a/b\n!c\n", "a/\na/b\n"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO(tree_free) struct tree *base = tree_from(cases[i].base);
        AUTO(tree_free) struct tree *layer = tree_from(cases[i].layer);
        AUTO_VALUE(buf_wipe) struct buf before = BUF(BUF_NO_LIMIT);
        AUTO_VALUE(buf_wipe) struct buf after = BUF(BUF_NO_LIMIT);
        dump_node(layer, tree_root(layer), &before);
        check_ok(tree_apply(base, layer, 1));
        AUTO_VALUE(buf_wipe) struct buf merged = BUF(BUF_NO_LIMIT);
        dump_node(base, tree_root(base), &merged);
        if (strcmp(buf_text(&merged), cases[i].wanted) != 0)
            print_error("%s\n", cases[i].what);
        check_tree(base, cases[i].wanted);
        dump_node(layer, tree_root(layer), &after);
        assert_string_equal(buf_text(&before), buf_text(&after));
    }
}

static void applied_nodes_are_whole(void **state)
{
    AUTO(tree_free) struct tree *base = tree_from("d/\nold\n");
    AUTO(tree_free) struct tree *layer = tree_from("d/new\nx\ny\n");
    struct node *n;

    (void)state;
    tree_make_path(base, "d")->mode = 0711;
    check_ok(tree_lookup(layer, "x", false, &n));
    n->mode = 04755;
    n->uid = 7;
    n->content = (struct content){.kind = CONTENT_LAYER, .layer = 99, .entry = 5};
    node_set_xattr(layer, n, "user.x", "value", 5);
    check_ok(tree_lookup(base, "old", false, &n));
    n->link_group = tree_new_link_group(base);
    uint32_t group = tree_new_link_group(layer);
    check_ok(tree_lookup(layer, "y", false, &n));
    n->link_group = group;
    check_ok(tree_lookup(layer, "d/new", false, &n));
    n->link_group = group;
    check_ok(tree_apply(base, layer, 3));
    tree_free(TAKE(layer));

    check_ok(tree_lookup(base, "d", false, &n));
    assert_int_equal(n->mode, 0711); /* the layer's one was implicit */
    check_ok(tree_lookup(base, "x", false, &n));
    assert_int_equal(n->mode, 04755);
    assert_int_equal(n->uid, 7);
    assert_int_equal(n->content.layer, 3);
    assert_int_equal(n->content.entry, 5);
    assert_string_equal(n->xattr[0].name, "user.x");
    assert_memory_equal(n->xattr[0].value, "value", 5);
    check_ok(tree_lookup(base, "y", false, &n));
    assert_int_equal(n->link_group, 2);
    assert_memory_equal(n->content.mem, "y", 1);
    check_ok(tree_lookup(base, "d/new", false, &n));
    assert_int_equal(n->link_group, 2);
    check_ok(tree_lookup(base, "old", false, &n));
    assert_int_equal(n->link_group, 1);
}

static bool is_security(const char *name)
{
    return strncmp(name, "security.", 9) == 0;
}

static void xattrs_are_kept_in_order(void **state)
{
    AUTO(tree_free) struct tree *t = tree_from("f\ng\n");
    struct node *f, *g;

    (void)state;
    check_ok(tree_lookup(t, "f", false, &f));
    check_ok(tree_lookup(t, "g", false, &g));
    node_set_xattr(t, f, "user.b", "2", 1);
    node_set_xattr(t, f, "security.capability", "\0\1", 2);
    node_set_xattr(t, f, "user.a", "1", 1);
    node_set_xattr(t, f, "user.b", "", 0);
    assert_int_equal(f->xattr_count, 3);
    assert_string_equal(f->xattr[0].name, "security.capability");
    assert_string_equal(f->xattr[1].name, "user.a");
    assert_int_equal(f->xattr[2].value_len, 0);
    node_copy_meta(t, g, f);
    node_drop_xattrs(f, is_security);
    assert_int_equal(f->xattr_count, 1);
    node_drop_xattrs(f, NULL);
    assert_int_equal(f->xattr_count, 0);
    assert_int_equal(g->xattr_count, 3);
    assert_memory_equal(g->xattr[0].value, "\0\1", 2);
    assert_string_equal(g->name, "g");
}

static void contents_are_opened(void **state)
{
    AUTO(tree_free) struct tree *t = tree_from("f\ne\np\n");
    struct node *n;

    (void)state;
    for (int i = 0; i < 2; i++) {
        AUTO(source_free) struct source *from = NULL;
        AUTO_VALUE(buf_wipe) struct buf bytes = BUF(100);
        check_ok(tree_lookup(t, i ? "f" : "e", false, &n));
        if (!i)
            n->content.kind = CONTENT_NONE;
        check_ok(node_open(n, &from));
        check_ok(source_read_all(from, &bytes, "f"));
        assert_string_equal(buf_text(&bytes), i ? "f" : "");
    }
    check_ok(tree_lookup(t, "p", false, &n));
    n->content.kind = CONTENT_LAYER;
    struct source *from = NULL;
    check_error(node_open(n, &from), ERR_INTERNAL, "still packed");
}

static void a_hard_link_means_a_file_of_a_lower_layer(void **state)
{
    (void)state;
    AUTO(tree_free) struct tree *base = tree_from("d/a\n");
    AUTO(tree_free) struct tree *layer = tree_from("!d\n");
    struct node *file = NULL;
    check_ok(tree_lookup(base, "d/a", false, &file));
    file->uid = 7;
    file->content = (struct content){.kind = CONTENT_LAYER, .layer = 0, .entry = 3};
    struct node *link = tree_add(layer, tree_root(layer), "b", 1, NODE_LINK);
    link->target = "d/a";
    check_ok(tree_apply(base, layer, 1));
    check_ok(tree_lookup(base, "b", false, &file));
    assert_int_equal(file->type, NODE_FILE);
    assert_int_equal(file->uid, 7);
    assert_int_equal(file->content.layer, 0);
    assert_int_equal(file->content.entry, 3);

    link->target = "d";
    check_error(tree_apply(base, layer, 2), ERR_INPUT, "no layer below");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(children_are_in_order_of_bytes),
        cmocka_unit_test(many_children_in_any_order),
        cmocka_unit_test(a_name_is_reused),
        cmocka_unit_test(paths_are_made),
        cmocka_unit_test(paths_are_looked_up),
        cmocka_unit_test(paths_are_resolved),
        cmocka_unit_test(loops_of_links_end),
        cmocka_unit_test(layers_are_applied),
        cmocka_unit_test(applied_nodes_are_whole),
        cmocka_unit_test(xattrs_are_kept_in_order),
        cmocka_unit_test(contents_are_opened),
        cmocka_unit_test(a_hard_link_means_a_file_of_a_lower_layer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
