/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/mem.h"
#include "base/str.h"
#include "builder/run_cache_owners.h"
#include "layers/indexfile.h"

#include <sys/stat.h>
#include <unistd.h>

/* "path:uid:gid", with ":c:MAJOR:MINOR" or ":b:…" of devices; NULL ends the list. */
static void add_text(struct owner_list *list, const char *text)
{
    AUTO_VALUE(strlist_wipe) struct strlist field = {0};

    strlist_split(&field, text, ':');
    struct owner *o = owner_list_add(list, field.count > 0 ? field.item[0] : "");
    o->uid = (uint32_t)(field.item[1][0] - '0');
    o->gid = (uint32_t)(field.item[2][0] - '0');
    if (field.count < 6)
        return;
    o->device_type = field.item[3][0] == 'c' ? S_IFCHR : S_IFBLK;
    o->device_major = (uint32_t)(field.item[4][0] - '0');
    o->device_minor = (uint32_t)(field.item[5][0] - '0');
}

static void parse(struct owner_list *list, const char *text)
{
    AUTO_VALUE(strlist_wipe) struct strlist word = {0};

    strlist_split(&word, text, ' ');
    for (size_t i = 0; i < word.count; i++)
        add_text(list, word.item[i]);
}

static char *show(const struct owner_list *list)
{
    AUTO_VALUE(strlist_wipe) struct strlist word = {0};

    for (size_t i = 0; i < list->count; i++) {
        const struct owner *o = &list->item[i];
        AUTO(mem_free)
        char *device = o->device_type == 0 ? mem_strdup("")
                                           : mem_printf(":%c:%u:%u", o->device_type == S_IFCHR ? 'c' : 'b',
                                                        o->device_major, o->device_minor);
        strlist_add_take(&word, mem_printf("%s:%u:%u%s", o->path, o->uid, o->gid, device));
    }
    return strlist_join(&word, " ");
}

static void check_read(const struct check_dir *dir, uint32_t uid, const char *expected)
{
    AUTO_VALUE(owner_list_wipe) struct owner_list found = {0};
    AUTO(mem_free) char *slot = path_join(dir->path, "0");

    run_cache_owners_read(&found, slot, uid, uid);
    AUTO(mem_free) char *text = show(&found);
    assert_string_equal(text, expected);
}

static void write_text(const struct check_dir *dir, const char *text)
{
    AUTO_VALUE(owner_list_wipe) struct owner_list list = {0};

    parse(&list, text);
    check_ok(run_cache_owners_write(dir->fd, "0", &list));
}

static void what_is_written_is_read(void **state)
{
    static const char *const lists[] = {
        "",
        ":5:6",
        "a:1:2",
        ":5:6 a:1:2 a-b:3:4 a/b:1:0 a/b/c:0:7 a/b/d:1:1 b:2:2",
        "a/n:0:0:c:1:3 a/o:7:8:b:8:0 n:0:1:c:1:5",
    };

    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        write_text(*state, lists[i]);
        check_read(*state, 0, lists[i]);
        check_read(*state, 9, lists[i]);
    }
}

/* A name that was a device, and is a directory. */
static void a_directory_wins(void **state)
{
    write_text(*state, "a:1:1:c:1:3 a/b:2:2");
    check_read(*state, 0, "a/b:2:2");
}

static void what_is_absent_is_roots(void **state)
{
    check_read(*state, 0, "");
    check_read(*state, 9, ":9:9");
}

static void put_file(const struct check_dir *dir, const char *data, size_t len)
{
    AUTO(fd_close) int fd = -1;

    check_ok(fs_open(&fd, dir->fd, "0" RUN_CACHE_OWNERS_SUFFIX, O_WRONLY | O_CREAT | O_TRUNC, 0600));
    check_ok(fd_write(fd, data, len, "owners"));
}

static void what_is_damaged_is_roots(void **state)
{
    const struct check_dir *dir = *state;
    AUTO_VALUE(buf_wipe) struct buf bytes = BUF(1 << 20);
    const struct digest other = digest_of("a", 1);
    const struct indexfile head = {.blob = other, .diff_id = other};
    AUTO(tree_free) struct tree *t = tree_new();

    write_text(dir, "a:1:2 b/c:3:4");
    check_ok(fs_read_file(&bytes, dir->fd, "0" RUN_CACHE_OWNERS_SUFFIX, NULL));
    for (size_t len = 0; len < bytes.len; len++) {
        put_file(dir, bytes.data, len);
        check_read(dir, 0, "");
    }
    for (size_t i = 0; i < bytes.len; i++) {
        bytes.data[i] ^= 1;
        put_file(dir, bytes.data, bytes.len);
        check_read(dir, 9, ":9:9");
        bytes.data[i] ^= 1;
    }
    /* The index of a layer is something else. */
    tree_make_path(t, "a")->uid = 1;
    buf_clear(&bytes);
    indexfile_write(&bytes, &head, t);
    put_file(dir, bytes.data, bytes.len);
    check_read(dir, 0, "");
    assert_int_equal(unlinkat(dir->fd, "0" RUN_CACHE_OWNERS_SUFFIX, 0), 0);
    assert_int_equal(mkfifoat(dir->fd, "0" RUN_CACHE_OWNERS_SUFFIX, 0600), 0);
    check_read(dir, 0, "");
}

/* A small file whose paths would take gigabytes. */
static void long_paths_are_refused(void **state)
{
    AUTO_VALUE(owner_list_wipe) struct owner_list list = {0};
    const struct check_dir *dir = *state;
    AUTO_VALUE(buf_wipe) struct buf path = BUF(1 << 20);
    char name[201];

    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    for (unsigned i = 0; i < 2000; i++) {
        buf_printf(&path, "%s%s", i > 0 ? "/" : "", name);
        owner_list_add(&list, buf_text(&path))->uid = 1;
    }
    check_ok(run_cache_owners_write(dir->fd, "0", &list));
    check_read(dir, 0, "");
}

static void merges(void **state)
{
    static const struct {
        const char *before, *after, *now, *expected;
    } cases[] = {
        {"", "", "", ""},
        {"", "a:1:1", "", "a:1:1"},
        {"a:1:1", "a:1:1", "a:1:1", "a:1:1"},
        {"a:1:1", "", "a:1:1", ""},
        /* Others were there meanwhile. */
        {"", "a:1:1", "b:2:2", "a:1:1 b:2:2"},
        {"", "", "b:2:2", "b:2:2"},
        {"a:1:1", "a:1:1", "a:2:2", "a:2:2"},
        {"a:1:1", "a:1:1", "", ""},
        {"a:1:1", "a:3:3", "a:2:2", "a:3:3"},
        {"a:1:1", "", "a:2:2", "a:2:2"},
        {"", "a:3:3", "a:2:2", "a:3:3"},
        {":1:1 a:1:1 c:1:1", ":2:2 b:1:1", ":1:1 a:1:1 c:1:1 d:5:5", ":2:2 b:1:1 d:5:5"},
        {"n:0:0:c:1:3", "n:0:0:c:1:5", "n:0:0:c:1:3", "n:0:0:c:1:5"},
    };
    const struct check_dir *dir = *state;
    AUTO(mem_free) char *slot = path_join(dir->path, "0");

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_VALUE(owner_list_wipe) struct owner_list before = {0};
        AUTO_VALUE(owner_list_wipe) struct owner_list after = {0};
        parse(&before, cases[i].before);
        parse(&after, cases[i].after);
        write_text(dir, cases[i].now);
        check_ok(run_cache_owners_merge(slot, &before, &after, 0, 0));
        check_read(dir, 9, cases[i].expected);
    }
}

/* Nothing is written where nothing is to be said. */
static void what_is_usual_needs_no_file(void **state)
{
    AUTO_VALUE(owner_list_wipe) struct owner_list top = {0};
    AUTO_VALUE(owner_list_wipe) struct owner_list none = {0};
    const struct check_dir *dir = *state;
    AUTO(mem_free) char *slot = path_join(dir->path, "0");
    struct stat st;

    parse(&top, ":7:7");
    check_ok(run_cache_owners_merge(slot, &none, &none, 0, 0));
    check_ok(run_cache_owners_merge(slot, &top, &top, 7, 7));
    assert_int_equal(fstatat(dir->fd, "0" RUN_CACHE_OWNERS_SUFFIX, &st, 0), -1);
    check_ok(run_cache_owners_merge(slot, &top, &none, 7, 7));
    check_read(dir, 7, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        check_with_dir(what_is_written_is_read),     check_with_dir(a_directory_wins),
        check_with_dir(what_is_absent_is_roots),     check_with_dir(what_is_damaged_is_roots),
        check_with_dir(long_paths_are_refused),      check_with_dir(merges),
        check_with_dir(what_is_usual_needs_no_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
