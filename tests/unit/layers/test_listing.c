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

static void differ(const char *old, const char *now, size_t most, const char *expected)
{
    AUTO_VALUE(strlist_wipe) struct strlist lines = {0};
    listing_compare(&lines, old, now, most);
    AUTO(mem_free) char *text = strlist_join(&lines, "|");
    assert_string_equal(text, expected);
}

static void test_compare(void **state)
{
    (void)state;
    differ("", "", 9, "");
    differ("f 0644 0:0 " A " a\n", "f 0644 0:0 " A " a\n", 9, "");
    differ("f 0644 0:0 " A " a\n", "f 0644 0:0 " B " a\n", 9,
           "a: content aaaaaaaaaaaa \xe2\x86\x92 bbbbbbbbbbbb");
    differ("f 0644 0:0 " A " a\n", "f 0755 0:0 " A " a\n", 9, "a: mode 0644 \xe2\x86\x92 0755");
    differ("f 0644 0:0 " A " a\n", "f 0644 1:2 " A " a\n", 9, "a: owner 0:0 \xe2\x86\x92 1:2");
    differ("f 0644 0:0 " A " a\n", "l 0644 0:0 " A " a\n", 9, "a: another kind of file");
    differ("f 0644 0:0 " A " a b\nf 0644 0:0 " A " z\n", "f 0644 0:0 " A " a b\nf 0644 0:0 " A " c\n", 9,
           "c: new|z: gone");
    differ("", "f 1 0:0 - a\nf 1 0:0 - b\nf 1 0:0 - c\n", 2, "a: new|b: new|and 1 more files");
}

/* Lines of anybody: cut, without words, with too few. */
static void test_hostile(void **state)
{
    (void)state;
    differ("\n\n   \nf\nf 1\nf 1 0:0\nf 1 0:0 -\n", "x", 9, "");
    differ("f 1 0:0 - ", "f 1 0:0 - ", 9, "");
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
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_make),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
