/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/io.h"
#include "base/mem.h"
#include "large_trees.h"
#include "layers/compress.h"
#include "layers/pipeline.h"
#include "layers/tarwalk.h"
#include "layers/tarwrite.h"

static struct err *put_entry(void *p, const struct tar_entry *entry, const struct buf *headers,
                             const struct node *content)
{
    return pipeline_entry(p, entry, headers, content);
}

static struct err *open_sink(void *ctx, struct sink **to)
{
    *to = ctx;
    return NULL;
}

static struct err *run(struct sink *to, struct tree *t, enum mediatype_compression how, unsigned workers,
                       struct digest *diff_id)
{
    const struct pipeline_options options = {
        .compression = how, .level = COMPRESS_FAST_LEVEL, .workers = workers, .open = open_sink, .ctx = to};
    AUTO(pipeline_free) struct pipeline *p = NULL;
    bool unchanged = true;

    TRY(pipeline_new(&p, &options));
    const struct tarwalk walk = {.entry = put_entry, .ctx = p};
    struct err *e = pipeline_end(p, tarwalk_tree(t, &walk), diff_id, &unchanged);
    assert_true(e || !unchanged);
    return e;
}

/* All forms hold the bytes of tarwrite.h, and no number of workers makes a difference. */
static void blobs_do_not_depend_on_workers(void **state)
{
    static const enum mediatype_compression forms[] = {COMPRESSION_NONE, COMPRESSION_GZIP, COMPRESSION_ZSTD};
    static const unsigned workers[] = {1, 2, 4, 0};
    AUTO(tree_free) struct tree *t = tree_new();
    AUTO_VALUE(buf_wipe) struct buf tar = BUF(BUF_NO_LIMIT);
    AUTO(sink_free) struct sink *to = sink_buf(&tar);

    (void)state;
    plant_much(t);
    check_ok(tarwrite_tree(to, t, NULL));
    struct digest wanted = digest_of(tar.data, tar.len);
    for (size_t f = 0; f < ARRAY_LEN(forms); f++) {
        AUTO_VALUE(buf_wipe) struct buf first = BUF(BUF_NO_LIMIT), plain = BUF(BUF_NO_LIMIT);
        for (size_t i = 0; i < ARRAY_LEN(workers); i++) {
            AUTO_VALUE(buf_wipe) struct buf out = BUF(BUF_NO_LIMIT);
            AUTO(sink_free) struct sink *blob = sink_buf(i == 0 ? &first : &out);
            struct digest diff_id;
            check_ok(run(blob, t, forms[f], workers[i], &diff_id));
            assert_true(digest_equal(&diff_id, &wanted));
            if (i == 0)
                continue;
            assert_int_equal(out.len, first.len);
            assert_memory_equal(out.data, first.data, out.len);
        }
        AUTO(source_free) struct source *from = NULL;
        check_ok(decompress_source(&from, source_mem(first.data, first.len), forms[f], "test"));
        check_ok(source_read_all(from, &plain, "test"));
        assert_int_equal(plain.len, tar.len);
        assert_memory_equal(plain.data, tar.data, tar.len);
    }
}

static void golden_trees_go_through(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(golden_trees); i++) {
        AUTO(tree_free) struct tree *t = tree_new();
        AUTO(sink_free) struct sink *blob = NULL;
        struct digest wanted, diff_id;
        AUTO(sink_free) struct sink *to = sink_digest(NULL, &wanted, NULL);
        golden_trees[i].plant(t);
        check_ok(tarwrite_tree(to, t, NULL));
        check_ok(sink_commit(to));
        blob = sink_discard();
        check_ok(run(blob, t, COMPRESSION_GZIP, 2, &diff_id));
        assert_true(digest_equal(&diff_id, &wanted));
    }
}

/* Of several errors the one counts that stands first in the tar. */
static void the_first_error_counts(void **state)
{
    static const struct {
        const char *bad[3]; /* paths whose content cannot be read */
        const char *refused;
        size_t room; /* of the output */
        const char *error;
    } cases[] = {
        {{"small/1/file", "large/03", NULL}, NULL, SIZE_MAX, "large/03"},
        {{"large/05", "large/06", "small/1/file"}, NULL, SIZE_MAX, "large/05"},
        {{"small/1/file", NULL}, NULL, SIZE_MAX, "small/1/file"},
        {{"small/1/file", NULL}, "wide/.wh.x", SIZE_MAX, "small/1/file"},
        {{"small/1/file", NULL}, "large/.wh.x", SIZE_MAX, ".wh.x"},
        {{"small/1/file", NULL}, NULL, 3000000, "larger than 3000000 bytes"},
        {{"large/01", NULL}, NULL, 3000000, "large/01"},
        {{NULL}, "small/.wh.x", 3000000, "larger than 3000000 bytes"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        for (unsigned turn = 0; turn < 12; turn++) {
            AUTO(tree_free) struct tree *t = tree_new();
            AUTO_VALUE(buf_wipe) struct buf out = BUF(cases[i].room);
            AUTO(sink_free) struct sink *to = sink_buf(&out);
            struct digest diff_id;
            plant_much(t);
            if (cases[i].refused && strcmp(cases[i].refused, "wide/.wh.x") == 0)
                tree_remove(t, plant_file(t, "wide", 0644, "x"));
            if (cases[i].refused)
                plant_file(t, cases[i].refused, 0644, "x");
            for (size_t k = 0; k < ARRAY_LEN(cases[i].bad) && cases[i].bad[k]; k++) {
                struct node *n = NULL;
                check_ok(tree_lookup(t, cases[i].bad[k], false, &n));
                n->content.kind = CONTENT_LAYER;
            }
            struct err *e = run(to, t, COMPRESSION_GZIP, turn % 4 + 1, &diff_id);
            assert_non_null(e);
            check_error(e, err_kind_of(e), cases[i].error);
        }
}

static void levels_that_are_none(void **state)
{
    const struct pipeline_options options = {.compression = COMPRESSION_GZIP, .level = 11};
    struct pipeline *p = NULL;

    (void)state;
    check_error(pipeline_new(&p, &options), ERR_USAGE, "11");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blobs_do_not_depend_on_workers),
        cmocka_unit_test(golden_trees_go_through),
        cmocka_unit_test(the_first_error_counts),
        cmocka_unit_test(levels_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
