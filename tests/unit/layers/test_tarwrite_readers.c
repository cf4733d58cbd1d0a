/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/newfile.h"
#include "golden_trees.h"
#include "layers/tarwrite.h"
#include "tarlist.h"

/*
 * What others read out of our bytes. For each golden tree a tar and a list are written: the list comes from
 * the tree alone, by the rules of doc/formats.md. tar_readers.py lets GNU tar, bsdtar and Python's tarfile
 * read the tar and compares.
 */

static void write_pair(int dirfd, const struct golden_tree *golden)
{
    AUTO(tree_free) struct tree *t = tree_new();
    AUTO(sink_free) struct sink *to = NULL;
    AUTO(mem_free) char *tar_name = mem_printf("%s.tar", golden->name);
    AUTO(mem_free) char *list_name = mem_printf("%s.list", golden->name);
    AUTO_VALUE(buf_wipe) struct buf list = BUF(BUF_NO_LIMIT);

    golden->plant(t);
    check_ok(newfile_open(&to, dirfd, tar_name, 0644, true, false));
    check_ok(tarwrite_tree(to, t, NULL));
    check_ok(sink_commit(to));
    check_ok(tarlist_tree(&list, t));
    check_ok(newfile_write(dirfd, list_name, 0644, buf_text(&list), list.len, false));
}

static void independent_readers_agree(void **state)
{
    const struct check_dir *dir = *state;

    for (size_t i = 0; i < ARRAY_LEN(golden_trees); i++)
        write_pair(dir->fd, &golden_trees[i]);
    AUTO(mem_free)
    char *command = mem_printf("python3 '%s/unit/layers/tar_readers.py' '%s'", LADE_TEST_DATA, dir->path);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        check_with_dir(independent_readers_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
