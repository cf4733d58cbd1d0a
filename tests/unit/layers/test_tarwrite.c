/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/digest.h"
#include "golden_trees.h"
#include "layers/tarheader.h"
#include "layers/tarwrite.h"

/* Frozen. A change here changes the digest of every image that anybody built: it is wrong. */
static const struct {
    const char *name, *digest;
    size_t size;
} golden_bytes[] = {
    {"empty", "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef", 1024},
    {"plain", "sha256:35c8e5fc9bf081b59898ff7cda835264ba7de075e3664f0bc4178a02f9c431e6", 15360},
    {"names", "sha256:9b98a1463b3e4e3f15b2fc2b1ac53081e380ba89a5f8eb6f584941175346802a", 66560},
    {"links", "sha256:23852c9935b4246f786559ccba8390cecfb373bdb8fb8af1ede9428f9b93d475", 24064},
    {"numbers", "sha256:dd039c95dc2c6f4836cd78849bc80bf511c545ce094b1d4e22416cbcb4920915", 31232},
    {"xattrs", "sha256:4c2c8f45a55210965d2a7ec51fdafdc2cf532152886ac528d7f6b71ff197092e", 87552},
    {"devices", "sha256:aae5992b65fda54654a3645d1937c991ca1be1ce033b2254a5d01382c03960d0", 3072},
    {"whiteouts", "sha256:dbdbce8e2f762510546b1781f4fc6627c283fb35826eb7e540aeaf72cb2c48b3", 10240},
    {"sizes", "sha256:51e89bafc923eaf214ed993f7a6f236c5e3c41dfcac93d8cb17e813078ec1444", 1306112},
};

static void golden_trees_have_their_digests(void **state)
{
    (void)state;
    assert_int_equal(ARRAY_LEN(golden_trees), ARRAY_LEN(golden_bytes));
    for (size_t i = 0; i < ARRAY_LEN(golden_trees); i++) {
        AUTO(tree_free) struct tree *t = tree_new();
        AUTO_VALUE(buf_wipe) struct buf bytes = BUF(BUF_NO_LIMIT);
        AUTO(sink_free) struct sink *to = sink_buf(&bytes);
        char text[DIGEST_TEXT];

        golden_trees[i].plant(t);
        check_ok(tarwrite_tree(to, t, NULL));
        struct digest digest = digest_of(bytes.data, bytes.len);
        assert_string_equal(golden_trees[i].name, golden_bytes[i].name);
        assert_string_equal(digest_text(&digest, text), golden_bytes[i].digest);
        assert_int_equal(bytes.len, golden_bytes[i].size);
    }
}

/* The same tree, planted in another order and with names that come and go. */
static void bytes_do_not_depend_on_history(void **state)
{
    static const char *const names[] = {"m", "a/x", "a", "z", "a-b", "k/l/m", "b", "k/l/a"};
    struct digest digest[2];

    (void)state;
    for (size_t turn = 0; turn < 2; turn++) {
        AUTO(tree_free) struct tree *t = tree_new();
        AUTO(sink_free) struct sink *to = sink_digest(NULL, &digest[turn], NULL);
        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
            const char *name = names[turn ? ARRAY_LEN(names) - 1 - i : i];
            if (turn)
                tree_remove(t, plant_file(t, "k/passing", 0600, "gone"));
            if (strcmp(name, "a") == 0)
                plant(t, name, NODE_DIR, 0755);
            else
                plant_file(t, name, 0644, name);
        }
        check_ok(tarwrite_tree(to, t, NULL));
        check_ok(sink_commit(to));
    }
    assert_true(digest_equal(&digest[0], &digest[1]));
}

static void the_root_is_written_on_demand(void **state)
{
    AUTO(tree_free) struct tree *t = tree_new();
    AUTO_VALUE(buf_wipe) struct buf bytes = BUF(BUF_NO_LIMIT);
    AUTO(sink_free) struct sink *to = sink_buf(&bytes);

    (void)state;
    plant_file(t, "x", 0644, "");
    check_ok(tarwrite_tree(to, t, &(struct tarwrite_options){.with_root = true}));
    assert_int_equal(bytes.len, 4 * TAR_BLOCK);
    assert_string_equal(bytes.data, "./");
    assert_int_equal(bytes.data[156], '5');
    assert_string_equal(bytes.data + TAR_BLOCK, "x");
}

static void reserved_names_are_refused(void **state)
{
    static const char *const names[] = {".wh.", ".wh.a", ".wh..wh..opq", "dir/.wh.x", ".wh..wh.plnk"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        AUTO(tree_free) struct tree *t = tree_new();
        AUTO(sink_free) struct sink *to = sink_discard();
        plant_file(t, names[i], 0644, "");
        check_error(tarwrite_tree(to, t, NULL), ERR_INPUT, "reserved");
        check_error(tarwrite_tree(to, t, NULL), ERR_INPUT, names[i]);
    }
    AUTO(tree_free) struct tree *t = tree_new();
    AUTO(sink_free) struct sink *to = sink_discard();
    plant_file(t, ".whale", 0644, "");
    plant(t, ".wh.x", NODE_DIR, 0755);
    check_error(tarwrite_tree(to, t, NULL), ERR_INPUT, "reserved");
}

/* The bytes of one header, without a tree. */
static void write_header(struct buf *out, const struct tar_entry *entry)
{
    buf_clear(out);
    check_ok(tarheader_write(out, entry));
}

static void sizes_over_8_gib_go_to_pax(void **state)
{
    AUTO_VALUE(buf_wipe) struct buf out = BUF(BUF_NO_LIMIT);
    struct tar_entry entry = {
        .type = TAR_FILE, .name = "dir/huge", .mode = 0644, .size = (UINT64_C(8) << 30) - 1};

    (void)state;
    write_header(&out, &entry);
    assert_int_equal(out.len, TAR_BLOCK);
    assert_string_equal(out.data + 124, "77777777777");
    entry.size++;
    write_header(&out, &entry);
    assert_int_equal(out.len, 3 * TAR_BLOCK);
    assert_string_equal(out.data, "PaxHeaders.0/huge");
    assert_int_equal(out.data[156], 'x');
    assert_string_equal(out.data + 100, "0000000");
    assert_string_equal(out.data + 124, "00000000023");
    assert_string_equal(out.data + TAR_BLOCK, "19 size=8589934592\n");
    assert_string_equal(out.data + 2 * TAR_BLOCK, "dir/huge");
    assert_string_equal(out.data + 2 * TAR_BLOCK + 124, "00000000000");
    entry.size = INT64_MAX;
    write_header(&out, &entry);
    assert_string_equal(out.data + TAR_BLOCK, "28 size=9223372036854775807\n");
    entry.size++;
    check_error(tarheader_write(&out, &entry), ERR_INPUT, "so large a file");
}

/* What one header looks like, field by field. */
static void every_field_is_where_the_format_says(void **state)
{
    AUTO_VALUE(buf_wipe) struct buf out = BUF(BUF_NO_LIMIT);
    AUTO(mem_free) char *long_dir = repeat("d", 120, "/name/");
    struct tar_entry entry = {
        .type = TAR_DIR, .name = long_dir, .mode = 0107755, .uid = 8, .gid = 2097151, .mtime = 315532800};
    unsigned sum = 0;

    (void)state;
    write_header(&out, &entry);
    assert_int_equal(out.len, TAR_BLOCK);
    assert_memory_equal(out.data, "name/", 6);
    assert_memory_equal(out.data + 100,
                        "0007755\0"
                        "0000010\0"
                        "7777777\0"
                        "00000000000\0"
                        "02263523000\0",
                        48);
    assert_int_equal(out.data[156], '5');
    assert_memory_equal(out.data + 257,
                        "ustar\0"
                        "00",
                        8);
    for (size_t i = 265; i < 329; i++)
        assert_int_equal(out.data[i], 0);
    assert_memory_equal(out.data + 329,
                        "0000000\0"
                        "0000000\0",
                        16);
    assert_memory_equal(out.data + 345, long_dir, 120);
    assert_int_equal(out.data[345 + 120], 0);
    for (size_t i = 0; i < TAR_BLOCK; i++)
        sum += i >= 148 && i < 156 ? ' ' : (unsigned char)out.data[i];
    AUTO(mem_free) char *checksum = mem_printf("%06o", sum);
    assert_memory_equal(out.data + 148, checksum, 7);
    assert_int_equal(out.data[155], ' ');
}

static void records_stand_in_the_order_of_keys(void **state)
{
    AUTO_VALUE(buf_wipe) struct buf out = BUF(BUF_NO_LIMIT);
    struct xattr xattr = {.name = "user.x", .value = "v", .value_len = 1};
    struct tar_entry entry = {
        .type = TAR_SYMLINK,
        .name = "dir/\xe9",
        .link = "\xe9",
        .uid = 2097152,
        .gid = 2097152,
        .mtime = -1,
        .xattr = &xattr,
        .xattr_count = 1,
    };

    (void)state;
    write_header(&out, &entry);
    assert_string_equal(out.data, "PaxHeaders.0/_");
    assert_string_equal(out.data + TAR_BLOCK, "25 SCHILY.xattr.user.x=v\n"
                                              "15 gid=2097152\n"
                                              "14 linkpath=\xe9\n"
                                              "12 mtime=-1\n"
                                              "14 path=dir/\xe9\n"
                                              "15 uid=2097152\n");
    assert_string_equal(out.data + 2 * TAR_BLOCK, "dir/_");
    assert_string_equal(out.data + 2 * TAR_BLOCK + 157, "_");
}

static void a_tar_cannot_hold_everything(void **state)
{
    AUTO_VALUE(buf_wipe) struct buf out = BUF(BUF_NO_LIMIT);
    AUTO(mem_free) char *path = repeat("p", 4095, "/");
    AUTO(mem_free) char *longer = repeat("p", 4096, "");
    AUTO(mem_free) char *value = repeat("v", TAR_PAX_MAX, "");
    struct xattr bad = {.name = "user.a=b", .value = "", .value_len = 0};
    struct xattr big = {.name = "user.v", .value = value, .value_len = TAR_PAX_MAX};
    const struct {
        struct tar_entry entry;
        enum err_kind kind;
        const char *part;
    } bad_entries[] = {
        {{.type = TAR_FILE, .name = longer}, ERR_INPUT, "longer than 4095"},
        {{.type = TAR_SYMLINK, .name = "a", .link = longer}, ERR_INPUT, "a: the link"},
        {{.type = TAR_CHAR, .name = "a", .device_major = 2097152}, ERR_INPUT, "device number"},
        {{.type = TAR_FILE, .name = "a", .xattr = &bad, .xattr_count = 1}, ERR_INPUT, "\"=\""},
        {{.type = TAR_FILE, .name = "a", .xattr = &big, .xattr_count = 1}, ERR_RESOURCE, "1 MiB"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad_entries); i++)
        check_error(tarheader_write(&out, &bad_entries[i].entry), bad_entries[i].kind, bad_entries[i].part);
    check_ok(tarheader_write(&out, &(struct tar_entry){.type = TAR_DIR, .name = path}));
}

static void content_of_another_length_is_an_error(void **state)
{
    AUTO(tree_free) struct tree *t = tree_new();
    AUTO(sink_free) struct sink *to = sink_discard();
    struct node *n = plant_file(t, "f", 0644, "four");

    (void)state;
    n->content.kind = CONTENT_NONE;
    check_error(tarwrite_tree(to, t, NULL), ERR_CONFLICT, "f: it has fewer than the 4 bytes");
}

static void archives_are_made_piece_by_piece(void **state)
{
    AUTO_VALUE(buf_wipe) struct buf bytes = BUF(BUF_NO_LIMIT);
    AUTO(sink_free) struct sink *to = sink_buf(&bytes);

    (void)state;
    check_ok(tarwrite_file_header(to, "blobs/x", 3));
    check_ok(sink_write(to, "abc", 3));
    check_ok(tarwrite_padding(to, 3));
    check_ok(tarwrite_file_header(to, "y", 512));
    assert_int_equal(bytes.len, 3 * TAR_BLOCK);
    check_ok(tarwrite_padding(to, 512));
    assert_int_equal(bytes.len, 3 * TAR_BLOCK);
    check_ok(tarwrite_end(to));
    assert_int_equal(bytes.len, 5 * TAR_BLOCK);
    assert_memory_equal(bytes.data + 100,
                        "0000644\0"
                        "0000000\0"
                        "0000000\0"
                        "00000000003\0"
                        "00000000000\0",
                        48);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_trees_have_their_digests),
        cmocka_unit_test(bytes_do_not_depend_on_history),
        cmocka_unit_test(the_root_is_written_on_demand),
        cmocka_unit_test(reserved_names_are_refused),
        cmocka_unit_test(sizes_over_8_gib_go_to_pax),
        cmocka_unit_test(every_field_is_where_the_format_says),
        cmocka_unit_test(records_stand_in_the_order_of_keys),
        cmocka_unit_test(a_tar_cannot_hold_everything),
        cmocka_unit_test(content_of_another_length_is_an_error),
        cmocka_unit_test(archives_are_made_piece_by_piece),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
