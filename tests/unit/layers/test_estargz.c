/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/fs.h"
#include "base/io.h"
#include "base/newfile.h"
#include "base/str.h"
#include "large_trees.h"
#include "layers/compress.h"
#include "layers/estargz.h"
#include "layers/tarwalk.h"
#include "layers/tarwrite.h"
#include "layers/toc.h"

#include <inttypes.h>

#define LANDMARK_SIZE 1024 /* header and content */

static struct err *put_entry(void *z, const struct tar_entry *entry, const struct buf *headers,
                             const struct node *content)
{
    return estargz_entry(z, entry, headers, content);
}

static struct err *run(struct sink *to, struct tree *t, unsigned workers, struct estargz_result *result)
{
    AUTO(estargz_free) struct estargz *z = NULL;
    int temp = -1;

    TRY(fs_temp(&temp, AT_FDCWD));
    TRY(estargz_new(&z, to, temp, COMPRESS_DEFAULT_LEVEL, workers));
    const struct tarwalk walk = {.entry = put_entry, .ctx = z, .skip = estargz_skip};
    return estargz_end(z, tarwalk_tree(t, &walk), result);
}

/* Between the landmark and the table of contents stands the tree's own tar. */
static void the_tar_is_in_it(void **state)
{
    static const unsigned workers[] = {1, 2, 4, 0};
    AUTO(tree_free) struct tree *t = tree_new();
    AUTO_VALUE(buf_wipe)
    struct buf tar = BUF(BUF_NO_LIMIT), first = BUF(BUF_NO_LIMIT), plain = BUF(BUF_NO_LIMIT);
    AUTO(sink_free) struct sink *to = sink_buf(&tar);
    struct estargz_result result = {0};

    (void)state;
    plant_much(t);
    check_ok(tarwrite_tree(to, t, NULL));
    for (size_t i = 0; i < ARRAY_LEN(workers); i++) {
        AUTO_VALUE(buf_wipe) struct buf out = BUF(BUF_NO_LIMIT);
        AUTO(sink_free) struct sink *blob = sink_buf(i == 0 ? &first : &out);
        check_ok(run(blob, t, workers[i], &result));
        if (i == 0)
            continue;
        assert_int_equal(out.len, first.len);
        assert_memory_equal(out.data, first.data, out.len);
    }
    AUTO(source_free) struct source *from = NULL;
    check_ok(decompress_source(&from, source_mem(first.data, first.len), COMPRESSION_GZIP, "test"));
    check_ok(source_read_all(from, &plain, "test"));
    struct digest diff_id = digest_of(plain.data, plain.len);
    assert_true(digest_equal(&diff_id, &result.diff_id));
    assert_int_equal(plain.len, result.size);
    assert_true(plain.len > tar.len + LANDMARK_SIZE);
    assert_string_equal(plain.data, TOC_LANDMARK);
    assert_memory_equal(plain.data + LANDMARK_SIZE, tar.data, tar.len - TARWALK_END);
    assert_string_equal(plain.data + LANDMARK_SIZE + tar.len - TARWALK_END, TOC_NAME);
}

static bool is_utf8(const struct node *n)
{
    return str_utf8_valid(n->name, strlen(n->name)) &&
           (!n->target || str_utf8_valid(n->target, strlen(n->target)));
}

static void drop_what_is_not_utf8(struct tree *t, struct node *dir)
{
    struct node **child;
    size_t count;

    check_ok(tree_children(t, dir, &child, &count));
    for (size_t i = count; i-- > 0;) {
        if (!is_utf8(child[i]))
            tree_remove(t, child[i]);
        else if (child[i]->type == NODE_DIR)
            drop_what_is_not_utf8(t, child[i]);
    }
}

static void check_by_reader(const struct check_dir *dir, const char *name, struct tree *t)
{
    AUTO(sink_free) struct sink *file = NULL;
    struct digest digest;
    uint64_t size = 0;
    struct estargz_result result;
    char texts[3][DIGEST_TEXT];

    check_ok(newfile_open(&file, dir->fd, name, 0644, true, false));
    AUTO(sink_free) struct sink *to = sink_digest(TAKE(file), &digest, &size);
    check_ok(run(to, t, 2, &result));
    check_ok(sink_commit(to));
    AUTO(mem_free)
    char *command =
        mem_printf("python3 '%s/e2e/estargz_check.py' --layer '%s/%s' %s %" PRIu64 " %s %s %" PRIu64 " >&2",
                   LADE_TEST_DATA, dir->path, name, digest_text(&digest, texts[0]), size,
                   digest_text(&result.diff_id, texts[1]), digest_text(&result.toc, texts[2]), result.size);
    assert_int_equal(system(command), 0);
}

/* Every kind of entry. */
static void an_independent_reader_agrees(void **state)
{
    const struct check_dir *dir = *state;

    for (size_t i = 0; i < ARRAY_LEN(golden_trees); i++) {
        AUTO(tree_free) struct tree *t = tree_new();
        golden_trees[i].plant(t);
        drop_what_is_not_utf8(t, tree_root(t));
        check_by_reader(dir, golden_trees[i].name, t);
    }
    AUTO(tree_free) struct tree *large = tree_new();
    plant_much(large);
    check_by_reader(dir, "large", large);
}

static void bytes_are_frozen(void **state)
{
    AUTO(tree_free) struct tree *t = tree_new();
    struct estargz_result result;
    struct digest digest;
    char text[DIGEST_TEXT];
    AUTO(sink_free) struct sink *to = sink_digest(NULL, &digest, NULL);

    (void)state;
    golden_plain(t);
    golden_sizes(t);
    golden_numbers(t);
    check_ok(run(to, t, 2, &result));
    check_ok(sink_commit(to));
    assert_string_equal(digest_text(&result.toc, text),
                        "sha256:2f29bffb748f89859f4ef5f461267452a3dcaa59547584c06022e0e0db3464f1");
    assert_string_equal(digest_text(&result.diff_id, text),
                        "sha256:af257cdb5a2d65b1c9ca9986db36ad02fcf82624b79e1e58afab61a2c79119bb");
    assert_string_equal(digest_text(&digest, text),
                        "sha256:e7e0c3dc2ba59844bd52c0fa6818adde710adc24e68c54e6db6fea1d1d7e76be");
}

static void entries_of_the_table(void **state)
{
    static const struct xattr xattrs[] = {{"user.\"a", "\0\xff", 2}, {"user.b", "", 0}};
    static const struct {
        struct tar_entry entry;
        const char *text;
    } cases[] = {
        {{.type = TAR_DIR, .name = "a/", .mode = 01755, .uid = 1, .gid = 2, .mtime = 315532800},
         "{\"name\":\"a/"
         "\",\"type\":\"dir\",\"modtime\":\"1980-01-01T00:00:00Z\",\"mode\":1005,\"uid\":1,\"gid\":2}"},
        {{.type = TAR_SYMLINK, .name = "\"\\\n\x1f\x7f/\xc3\xbc", .link = "../\\", .mode = 0777},
         "{\"name\":\"\\\"\\\\\\u000a\\u001f\x7f/\xc3\xbc\",\"type\":\"symlink\",\"linkName\":\"../"
         "\\\\\",\"mode\":"
         "511,\"uid\":0,\"gid\":0}"},
        {{.type = TAR_HARD_LINK, .name = "b", .link = "a", .mtime = -1},
         "{\"name\":\"b\",\"type\":\"hardlink\",\"modtime\":\"1969-12-31T23:59:59Z\",\"linkName\":\"a\","
         "\"mode\":0,"
         "\"uid\":0,\"gid\":0}"},
        {{.type = TAR_CHAR, .name = "c", .device_major = 1, .device_minor = 3, .mtime = INT64_MAX},
         "{\"name\":\"c\",\"type\":\"char\",\"mode\":0,\"uid\":0,\"gid\":0,\"devMajor\":1,\"devMinor\":3}"},
        {{.type = TAR_BLOCK_DEVICE, .name = "d", .mtime = 253402300800},
         "{\"name\":\"d\",\"type\":\"block\",\"mode\":0,\"uid\":0,\"gid\":0,\"devMajor\":0,\"devMinor\":0}"},
        {{.type = TAR_FIFO, .name = "e", .xattr = xattrs, .xattr_count = 2},
         "{\"name\":\"e\",\"type\":\"fifo\",\"mode\":0,\"uid\":0,\"gid\":0,\"xattrs\":{\"user.\\\"a\":\"AP8="
         "\","
         "\"user.b\":\"\"}}"},
        {{.type = TAR_FILE, .name = "f"},
         "{\"name\":\"f\",\"type\":\"reg\",\"mode\":0,\"uid\":0,\"gid\":0,\"digest\":\"sha256:"
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"}"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_VALUE(toc_notes_wipe) struct toc_notes n = {0};
        toc_notes_clear(&n);
        check_ok(toc_check(&cases[i].entry));
        toc_note_entry(&n, &cases[i].entry);
        assert_true(str_starts(buf_text(&n.text), ",\n"));
        assert_string_equal(buf_text(&n.text) + 2, cases[i].text);
    }
}

static void names_that_it_cannot_hold(void **state)
{
    static const struct {
        const char *path, *target, *xattr, *error;
    } cases[] = {
        {"a\xff", NULL, NULL, "no names that are not UTF-8"},
        {"dir\xff/a", NULL, NULL, "no names that are not UTF-8"},
        {"a", "caf\xe9", NULL, "whose targets are not UTF-8"},
        {"a", NULL, "user.\xe9", "whose names are not UTF-8"},
        {TOC_NAME "/a", NULL, NULL, "reserved"},
        {TOC_LANDMARK "/a", NULL, NULL, "reserved"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO(tree_free) struct tree *t = tree_new();
        AUTO(sink_free) struct sink *to = sink_discard();
        struct estargz_result result;
        if (cases[i].target)
            plant_link(t, cases[i].path, cases[i].target);
        else
            plant_file(t, cases[i].path, 0644, "x");
        if (cases[i].xattr) {
            struct node *n = NULL;
            check_ok(tree_lookup(t, cases[i].path, false, &n));
            node_set_xattr(t, n, cases[i].xattr, "x", 1);
        }
        check_error(run(to, t, 2, &result), ERR_INPUT, cases[i].error);
    }
}

/* What a base in this form has brought goes; the same names elsewhere stay. */
static void old_tables_are_left_out(void **state)
{
    AUTO(tree_free) struct tree *with = tree_new(), *without = tree_new();
    AUTO_VALUE(buf_wipe) struct buf one = BUF(BUF_NO_LIMIT), other = BUF(BUF_NO_LIMIT);
    AUTO(sink_free) struct sink *to_one = sink_buf(&one), *to_other = sink_buf(&other);
    struct estargz_result result;
    uint32_t group = tree_new_link_group(with);

    (void)state;
    plant_file(with, "z", 0644, "linked")->link_group = group;
    plant_file(with, TOC_NAME, 0644, "linked")->link_group = group;
    plant_file(with, TOC_LANDMARK, 0644, "\x0f");
    plant_file(with, ".prefetch.landmark", 0644, "\x0f");
    plant_file(with, "a/" TOC_NAME, 0644, "kept");
    plant_file(without, "z", 0644, "linked");
    plant_file(without, "a/" TOC_NAME, 0644, "kept");
    check_ok(run(to_one, with, 1, &result));
    check_ok(run(to_other, without, 1, &result));
    assert_int_equal(one.len, other.len);
    assert_memory_equal(one.data, other.data, one.len);
}

static void the_first_error_counts(void **state)
{
    static const struct {
        const char *bad[2], *refused;
        size_t room; /* of the output */
        const char *error;
    } cases[] = {
        {{"large/05", "large/06"}, NULL, SIZE_MAX, "large/05"},
        {{"large/06", "small/1/file"}, NULL, SIZE_MAX, "large/06"},
        {{"small/1/file", NULL}, "wide\xff", SIZE_MAX, "small/1/file"},
        {{"small/1/file", NULL}, "large/\xff", SIZE_MAX, "UTF-8"},
        {{NULL, NULL}, NULL, 3000000, "larger than 3000000 bytes"},
        {{"large/01", NULL}, NULL, 3000000, "large/01"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        for (unsigned workers = 1; workers <= 4; workers++) {
            AUTO(tree_free) struct tree *t = tree_new();
            AUTO_VALUE(buf_wipe) struct buf out = BUF(cases[i].room);
            AUTO(sink_free) struct sink *to = sink_buf(&out);
            struct estargz_result result;
            plant_much(t);
            if (cases[i].refused)
                plant_file(t, cases[i].refused, 0644, "x");
            for (size_t k = 0; k < ARRAY_LEN(cases[i].bad) && cases[i].bad[k]; k++) {
                struct node *n = NULL;
                check_ok(tree_lookup(t, cases[i].bad[k], false, &n));
                n->content.kind = CONTENT_LAYER;
            }
            struct err *e = run(to, t, workers, &result);
            assert_non_null(e);
            check_error(e, err_kind_of(e), cases[i].error);
        }
}

/* The digest of a file in two pieces, which is known after the second, goes to where the first is: in the
 * same block, one before, or across the border. */
static void digests_of_pieces_are_filled_in(void **state)
{
    static const char content[1024] = "content";
    const struct node node = {.type = NODE_FILE, .size = 2 * TAR_BLOCK};
    const struct tar_entry entry = {.type = TAR_FILE, .name = "f", .size = 2 * TAR_BLOCK};
    const struct toc_piece piece = {.offset = 7, .digest = digest_of(content, TAR_BLOCK)};
    struct digest whole = digest_of(content, sizeof content), text_digest;
    char whole_text[DIGEST_TEXT];

    (void)state;
    digest_text(&whole, whole_text);
    for (size_t filler = CHUNK_MAX - 1000; filler < CHUNK_MAX; filler += 37) {
        AUTO_VALUE(toc_notes_wipe) struct toc_notes first = {0}, second = {0};
        AUTO_VALUE(chunkplan_wipe) struct chunkplan one = {0}, two = {0};
        AUTO_VALUE(buf_wipe) struct buf all = BUF(BUF_NO_LIMIT);
        int temp = -1;
        check_ok(fs_temp(&temp, AT_FDCWD));
        AUTO(toc_free) struct toc *t = toc_new(temp);

        toc_notes_clear(&first);
        toc_notes_clear(&second);
        memset(buf_reserve(&first.text, filler), ' ', filler);
        first.text.len += filler;
        toc_note_piece(&first, &entry, 0, TAR_BLOCK);
        chunkplan_add_content(&one, &node, 0, TAR_BLOCK);
        memcpy(one.plain, content, TAR_BLOCK);
        toc_note_piece(&second, &entry, TAR_BLOCK, TAR_BLOCK);
        chunkplan_add_content(&two, &node, TAR_BLOCK, TAR_BLOCK);
        memcpy(two.plain, content + TAR_BLOCK, TAR_BLOCK);
        check_ok(toc_add(t, &first, &one, &piece));
        check_ok(toc_add(t, &second, &two, &piece));
        check_ok(toc_end(t, &text_digest));
        for (size_t i = 0; i < toc_block_count(t); i++) {
            const uint8_t *data;
            size_t len;
            check_ok(toc_block(t, i, &data, &len));
            buf_add(&all, data, len);
        }
        assert_int_equal(all.len % TAR_BLOCK, 0);
        const char *json = all.data + TAR_BLOCK;
        const char *found = strstr(json, "\"digest\":\"");
        assert_non_null(found);
        assert_memory_equal(found + strlen("\"digest\":\""), whole_text, strlen(whole_text));
        struct digest d = digest_of(json, strlen(json));
        assert_true(digest_equal(&d, &text_digest));
    }
}

static void levels_that_are_none(void **state)
{
    AUTO(sink_free) struct sink *to = sink_discard();
    struct estargz *z = NULL;
    int temp = -1;

    (void)state;
    check_ok(fs_temp(&temp, AT_FDCWD));
    check_error(estargz_new(&z, to, temp, 11, 1), ERR_USAGE, "11");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tar_is_in_it),
        check_with_dir(an_independent_reader_agrees),
        cmocka_unit_test(bytes_are_frozen),
        cmocka_unit_test(entries_of_the_table),
        cmocka_unit_test(names_that_it_cannot_hold),
        cmocka_unit_test(old_tables_are_left_out),
        cmocka_unit_test(the_first_error_counts),
        cmocka_unit_test(levels_that_are_none),
        cmocka_unit_test(digests_of_pieces_are_filled_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
