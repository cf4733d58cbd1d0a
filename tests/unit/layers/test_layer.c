/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "golden_trees.h"
#include "image/layout.h"
#include "layers/estargz.h"
#include "layers/layer.h"
#include "layers/tarwrite.h"

static struct store *open_layout(const struct check_dir *dir)
{
    AUTO(mem_free) char *path = mem_printf("%s/layout", dir->path);
    struct store *layout = NULL;

    check_ok(layout_open(&layout, path, LAYOUT_WRITE));
    return layout;
}

static void layers_are_written(void **state)
{
    static const struct {
        enum mediatype_compression how;
        const char *media_type;
    } forms[] = {{COMPRESSION_NONE, MEDIATYPE_OCI_LAYER},
                 {COMPRESSION_GZIP, MEDIATYPE_OCI_LAYER_GZIP},
                 {COMPRESSION_ZSTD, MEDIATYPE_OCI_LAYER_ZSTD}};
    AUTO(store_free) struct store *layout = open_layout(*state);
    AUTO(tree_free) struct tree *t = tree_new();
    AUTO_VALUE(buf_wipe) struct buf tar = BUF(BUF_NO_LIMIT);
    AUTO(sink_free) struct sink *to = sink_buf(&tar);

    golden_sizes(t);
    check_ok(tarwrite_tree(to, t, NULL));
    struct digest wanted = digest_of(tar.data, tar.len);
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        struct layer_options options = {.compression = forms[i].how, .level = COMPRESS_DEFAULT_LEVEL};
        AUTO_VALUE(desc_wipe) struct desc blob = {0};
        AUTO_VALUE(buf_wipe) struct buf plain = BUF(BUF_NO_LIMIT);
        AUTO(source_free) struct source *packed = NULL;
        struct digest diff_id;
        check_ok(layer_write(layout, t, &options, &blob, &diff_id));
        assert_string_equal(blob.media_type, forms[i].media_type);
        assert_true(digest_equal(&diff_id, &wanted));
        assert_int_equal(digest_equal(&blob.digest, &wanted), forms[i].how == COMPRESSION_NONE);
        check_ok(store_get(layout, &blob, &packed));
        AUTO(source_free) struct source *from = NULL;
        check_ok(decompress_source(&from, TAKE(packed), forms[i].how, "layer"));
        check_ok(source_read_all(from, &plain, "layer"));
        assert_int_equal(plain.len, tar.len);
        assert_memory_equal(plain.data, tar.data, tar.len);
    }
}

/* Frozen with tar/1, chunk/1 and lade-deflate/1: these are the digests of everybody's layers. */
static void blobs_have_their_digests(void **state)
{
    static const struct {
        void (*plant)(struct tree *t);
        int level;
        const char *digest;
    } cases[] = {
        {golden_plain, COMPRESS_FAST_LEVEL,
         "sha256:4ddf197c706e365a4b803aff33985c273158f60847d613b85543599c95ba0cdb"},
        {golden_plain, COMPRESS_DEFAULT_LEVEL,
         "sha256:d6a42f4c2fee57bec82222e0fcdddecf607fd4aca02239def2de40b156bd1196"},
        {golden_plain, COMPRESS_BEST_LEVEL,
         "sha256:0198e25370c1000c9512c6d8d4d2fa9acc2d0b966190c90a80c5564b84df173b"},
        {golden_sizes, COMPRESS_DEFAULT_LEVEL,
         "sha256:85bf149cb19aae19b1edfd4864e626f4638d02f8ac16a5ea3abc5be811371a04"},
        {golden_empty, COMPRESS_DEFAULT_LEVEL,
         "sha256:94f7d311d077a4bde60da37fc79bd350d47af35ac50bbfee11457b6d822cbf48"},
    };
    AUTO(store_free) struct store *layout = open_layout(*state);

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO(tree_free) struct tree *t = tree_new();
        AUTO_VALUE(desc_wipe) struct desc blob = {0};
        struct layer_options options = {.compression = COMPRESSION_GZIP, .level = cases[i].level};
        struct digest diff_id;
        char text[DIGEST_TEXT];
        cases[i].plant(t);
        check_ok(layer_write(layout, t, &options, &blob, &diff_id));
        assert_string_equal(digest_text(&blob.digest, text), cases[i].digest);
    }
}

static void a_failed_layer_leaves_nothing(void **state)
{
    const struct check_dir *dir = *state;
    AUTO(store_free) struct store *layout = open_layout(dir);
    AUTO(tree_free) struct tree *t = tree_new();
    struct layer_options options = {.compression = COMPRESSION_GZIP, .level = COMPRESS_DEFAULT_LEVEL};
    AUTO_VALUE(desc_wipe) struct desc blob = {0};
    struct digest diff_id;

    plant_file(t, "a", 0644, "x");
    plant_file(t, ".wh.b", 0644, "x");
    check_error(layer_write(layout, t, &options, &blob, &diff_id), ERR_INPUT, ".wh.b");
    AUTO(mem_free) char *command = mem_printf("test -z \"$(find '%s/layout/blobs' -type f)\"", dir->path);
    assert_int_equal(system(command), 0);
}

static void lazy_layers_say_where_to_begin(void **state)
{
    AUTO(store_free) struct store *layout = open_layout(*state);
    AUTO(tree_free) struct tree *t = tree_new();
    struct layer_options options = {
        .compression = COMPRESSION_GZIP, .level = COMPRESS_DEFAULT_LEVEL, .estargz = true};
    AUTO_VALUE(desc_wipe) struct desc blob = {0};
    struct digest diff_id, toc;

    golden_sizes(t);
    check_ok(layer_write(layout, t, &options, &blob, &diff_id));
    assert_string_equal(blob.media_type, MEDIATYPE_OCI_LAYER_GZIP);
    assert_int_equal(blob.annotations.count, 2);
    check_ok(digest_parse(&toc, strmap_get(&blob.annotations, ESTARGZ_TOC_DIGEST)));
    const char *size = strmap_get(&blob.annotations, ESTARGZ_PLAIN_SIZE);
    AUTO(source_free) struct source *from = NULL, *packed = NULL;
    AUTO_VALUE(buf_wipe) struct buf plain = BUF(BUF_NO_LIMIT);
    check_ok(store_get(layout, &blob, &packed));
    check_ok(decompress_source(&from, TAKE(packed), COMPRESSION_GZIP, "layer"));
    check_ok(source_read_all(from, &plain, "layer"));
    AUTO(mem_free) char *found = mem_printf("%zu", plain.len);
    assert_string_equal(size, found);
    struct digest wanted = digest_of(plain.data, plain.len);
    assert_true(digest_equal(&diff_id, &wanted));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        check_with_dir(layers_are_written),
        check_with_dir(blobs_have_their_digests),
        check_with_dir(a_failed_layer_leaves_nothing),
        check_with_dir(lazy_layers_say_where_to_begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
