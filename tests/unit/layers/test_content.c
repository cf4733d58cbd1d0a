/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/newfile.h"
#include "golden_trees.h"
#include "layers/content.h"
#include "layers/spool.h"

#include <sys/stat.h>
#include <unistd.h>

static void write_file(const struct check_dir *dir, const char *path, const char *text)
{
    check_ok(newfile_write(dir->fd, path, 0644, text, strlen(text), false));
}

static struct tree *open_tree(const struct check_dir *dir)
{
    struct tree *t = NULL;

    check_ok(tree_open_dir(&t, open(dir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), NULL));
    return t;
}

static struct node *find(struct tree *t, const char *path)
{
    struct node *n = NULL;

    check_ok(tree_lookup(t, path, false, &n));
    assert_non_null(n);
    return n;
}

static void contents_are_read_from_any_place(void **state)
{
    AUTO(tree_free) struct tree *t = tree_new();
    AUTO(content_reader_free) struct content_reader *r = content_reader_new();
    AUTO(spool_free) struct spool *spool = NULL;
    const struct check_dir *dir = *state;
    AUTO(source_free) struct source *from = source_mem("..0123456789", 12);
    uint8_t got[4];
    uint64_t offset;

    write_file(dir, "file", "0123456789");
    AUTO(tree_free) struct tree *there = open_tree(dir);
    check_ok(spool_new(&spool, dir->fd));
    check_ok(spool_add(spool, from, 12, &offset));
    struct node *nodes[] = {plant_file(t, "mem", 0644, "0123456789"), plant(t, "spooled", NODE_FILE, 0644),
                            find(there, "file")};
    nodes[1]->size = 10;
    nodes[1]->content = (struct content){.kind = CONTENT_SPOOL, .spool = spool, .offset = offset + 2};
    for (size_t i = 0; i < ARRAY_LEN(nodes); i++) {
        check_ok(content_read(r, nodes[i], 3, got, 4));
        assert_memory_equal(got, "3456", 4);
        check_ok(content_read(r, nodes[i], 6, got, 4));
        assert_memory_equal(got, "6789", 4);
    }
    nodes[1]->content.kind = CONTENT_LAYER;
    check_error(content_read(r, nodes[1], 0, got, 4), ERR_INTERNAL, "spooled");
}

/* More directories than are kept open, visited in turn. */
static void many_directories(void **state)
{
    const struct check_dir *dir = *state;
    AUTO(content_reader_free) struct content_reader *r = content_reader_new();
    char path[64], text[16];
    uint8_t got[3];

    for (unsigned i = 0; i < 20; i++) {
        snprintf(path, sizeof path, "d%02u", i);
        assert_int_equal(mkdirat(dir->fd, path, 0755), 0);
        snprintf(path, sizeof path, "d%02u/f", i);
        snprintf(text, sizeof text, "%03u", i);
        write_file(dir, path, text);
    }
    AUTO(tree_free) struct tree *t = open_tree(dir);
    for (unsigned turn = 0; turn < 60; turn++) {
        unsigned i = turn * 7 % 20;
        snprintf(path, sizeof path, "d%02u/f", i);
        snprintf(text, sizeof text, "%03u", i);
        check_ok(content_read(r, find(t, path), 0, got, 3));
        assert_memory_equal(got, text, 3);
    }
}

static void what_changed_is_an_error(void **state)
{
    static const struct {
        const char *file, *command;
    } cases[] = {
        {"a", "printf 54321 > a"},     {"a", "printf 123 > a"},   {"a", "rm a"},
        {"a", "rm a && mkdir a"},      {"a", "rm a && mkfifo a"}, {"a", "rm a && ln -s d/b a"},
        {"a", "mv a c && cp -p c a"},  {"d/b", "rm -r d"},        {"d/b", "mv d e && ln -s e d"},
        {"d/b", "rm -r d && touch d"},
    };
    const struct check_dir *dir = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO(content_reader_free) struct content_reader *r = content_reader_new();
        AUTO(mem_free)
        char *reset =
            mem_printf("cd %s && rm -rf * && mkdir d && printf 12345 > a && printf 12345 > d/b && sleep 0.02",
                       dir->path);
        AUTO(mem_free) char *change = mem_printf("cd %s && %s", dir->path, cases[i].command);
        uint8_t got[5];
        assert_int_equal(system(reset), 0);
        AUTO(tree_free) struct tree *t = open_tree(dir);
        const struct node *n = find(t, cases[i].file);
        assert_int_equal(system(change), 0);
        check_error(content_read(r, n, 0, got, 5), ERR_CONFLICT, "changed while it was read");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        check_with_dir(contents_are_read_from_any_place),
        check_with_dir(many_directories),
        check_with_dir(what_changed_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
