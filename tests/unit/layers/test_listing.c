/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "layers/listing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

#define ARROW " \xe2\x86\x92 "

static void differ(const char *old, const char *now, const char *expected)
{
    AUTO_VALUE(listing_changes_wipe) struct listing_changes changes = {0};
    AUTO_VALUE(strlist_wipe) struct strlist lines = {0};
    listing_compare(&changes, old, now);
    for (size_t i = 0; i < changes.count; i++) {
        AUTO(mem_free) char *text = listing_change_text(&changes.item[i]);
        strlist_add_take(&lines, mem_printf("%s: %s", changes.item[i].path, text));
    }
    AUTO(mem_free) char *text = strlist_join(&lines, "|");
    assert_string_equal(text, expected);
}

static void test_compare(void **state)
{
    (void)state;
    differ("", "", "");
    differ("f 0644 0:0 " A " a\n", "f 0644 0:0 " A " a\n", "");
    differ("f 0644 0:0 " A " a\n", "f 0644 0:0 " B " a\n", "a: content aaaaaaaaaaaa" ARROW "bbbbbbbbbbbb");
    differ("f 0644 0:0 " A " a\n", "f 0755 0:0 " A " a\n", "a: mode 0644" ARROW "0755");
    differ("f 0644 0:0 " A " a\n", "f 0644 1:2 " A " a\n", "a: owner 0:0" ARROW "1:2");
    differ("f 0644 0:0 " A " a\n", "l 0777 0:0 " A " a\n", "a: file" ARROW "link");
    differ("l 0777 0:0 " A " a\n", "l 0777 0:0 " B " a\n", "a: the link leads elsewhere");
    differ("f 0644 0:0 " A " a\n", "f 0644,xattr=1 0:0 " A " a\n", "a: other extended attributes");
    differ("f 0644,xattr=1 0:0 " A " a\n", "f 0644,xattr=2 0:0 " A " a\n", "a: other extended attributes");
    differ("f 0644 0:0 " A " a\n", "f 0600,xattr=2 3:0 " B " a\n",
           "a: content aaaaaaaaaaaa" ARROW "bbbbbbbbbbbb|a: mode 0644" ARROW
           "0600|a: other extended attributes|a: owner 0:0" ARROW "3:0");
    differ("f 0644 0:0 " A " a b\nf 0644 0:0 " A " z\n", "f 0644 0:0 " A " a b\nf 0644 0:0 " A " c\n",
           "c: new|z: gone");
}

static void test_common(void **state)
{
    (void)state;
    assert_int_equal(listing_common("", ""), 0);
    assert_int_equal(listing_common("f 0644 0:0 " A " a\nf 0644 0:0 " A " b\n", "f 0644 0:0 " B " c\n"), 0);
    assert_int_equal(listing_common("f 0644 0:0 " A " a\nf 0644 0:0 " A " b\nf 0644 0:0 " A " d\n",
                                    "f 0755 0:0 " B " d\nf 0644 0:0 " B " c\nl 0777 0:0 " B " b\n"),
                     2);
}

/* Lines of anybody: cut, without words, with too few. */
static void test_hostile(void **state)
{
    (void)state;
    differ("\n\n   \nf\nf 1\nf 1 0:0\nf 1 0:0 -\n", "x", "");
    differ("f 1 0:0 - ", "f 1 0:0 - ", "");
    differ("x , , a p\n", "y ,, : b p\n", "p: something" ARROW "something");
    differ("f , , a p\n", "f ,, : b p\n",
           "p: content a" ARROW "b|p: other extended attributes|p: owner ," ARROW ":");
}

static void test_make(void **state)
{
    (void)state;
    AUTO(tree_free) struct tree *t = tree_new();
    AUTO_VALUE(buf_wipe) struct buf out = BUF(LISTING_MAX);
    struct node *dir = tree_add(t, tree_root(t), "d", 1, NODE_DIR);
    struct node *file = tree_add(t, dir, "new\nline", 8, NODE_FILE);
    struct node *link = tree_add(t, dir, "link", 4, NODE_SYMLINK);
    dir->mode = 0755;
    file->mode = 0644;
    file->uid = 5;
    file->size = 3;
    file->content.kind = CONTENT_MEM;
    file->content.mem = "abc";
    link->target = tree_strdup(t, "abc", 3);
    link->mode = 0777;
    assert_null(listing_make(&out, t));
    assert_string_equal(
        buf_text(&out),
        "d 0755 0:0 - d\n"
        "l 0777 0:0 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad d/link\n"
        "f 0644 5:0 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad d/new\\x0aline\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compare),
        cmocka_unit_test(test_common),
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_make),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
