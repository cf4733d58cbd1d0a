/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/buf.h"
#include "base/io.h"
#include "base/mem.h"
#include "layers/chunk.h"
#include "layers/compress.h"
#include "layers/gzip.h"

/* Text that compresses, but not to nothing. */
static uint8_t *pattern(size_t size)
{
    uint8_t *text = mem_alloc(size + 1);
    uint32_t at = 7;

    for (size_t i = 0; i < size; i++) {
        at = at * 1664525u + 1013904223u;
        text[i] = i % 64 < 40 ? (uint8_t)('a' + i % 26) : (uint8_t)(at >> 24);
    }
    return text;
}

/* One chunk, framed where the form asks for it. */
static void pack(struct buf *out, struct compress *c, bool gzip, const uint8_t *text, size_t len)
{
    AUTO(mem_free) uint8_t *packed = mem_alloc(compress_bound(c));
    uint8_t frame[GZIP_FRAME_MAX];
    struct gzip g = {0};
    size_t packed_len = 0;

    check_ok(compress_chunk(c, text, len, packed, &packed_len));
    if (gzip)
        buf_add(out, frame, gzip_before_chunk(&g, frame));
    buf_add(out, packed, packed_len);
    if (!gzip)
        return;
    gzip_add_chunk(&g, gzip_crc(text, len), len);
    buf_add(out, frame, gzip_end(&g, frame));
}

static void chunks_are_read_back(void **state)
{
    static const enum mediatype_compression forms[] = {COMPRESSION_GZIP, COMPRESSION_ZSTD};
    static const size_t sizes[] = {1, 512, 100000, CHUNK_MAX - 1, CHUNK_MAX};
    static const int levels[] = {COMPRESS_DEFAULT_LEVEL, COMPRESS_FAST_LEVEL, COMPRESS_BEST_LEVEL, 0, 5, 9};

    (void)state;
    for (size_t f = 0; f < ARRAY_LEN(forms); f++)
        for (size_t l = 0; l < ARRAY_LEN(levels); l++) {
            AUTO(compress_free) struct compress *c = NULL;
            check_ok(compress_new(&c, forms[f], levels[l]));
            for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
                AUTO(mem_free) uint8_t *text = pattern(sizes[i]);
                AUTO_VALUE(buf_wipe) struct buf packed = BUF(BUF_NO_LIMIT), plain = BUF(BUF_NO_LIMIT);
                AUTO(source_free) struct source *from = NULL;
                pack(&packed, c, forms[f] == COMPRESSION_GZIP, text, sizes[i]);
                check_ok(decompress_source(&from, source_mem(packed.data, packed.len), forms[f], "test"));
                check_ok(source_read_all(from, &plain, "test"));
                assert_int_equal(plain.len, sizes[i]);
                assert_memory_equal(buf_text(&plain), text, sizes[i]);
            }
        }
}

/* What an encoder did before leaves no trace, and neither does memory that was used before. */
static void bytes_do_not_depend_on_earlier_chunks(void **state)
{
    static const enum mediatype_compression forms[] = {COMPRESSION_GZIP, COMPRESSION_ZSTD};
    AUTO(mem_free) uint8_t *text = pattern(CHUNK_MAX);

    (void)state;
    for (size_t f = 0; f < ARRAY_LEN(forms); f++) {
        AUTO(compress_free) struct compress *used = NULL, *fresh = NULL;
        AUTO_VALUE(buf_wipe)
        struct buf passing = BUF(BUF_NO_LIMIT), first = BUF(BUF_NO_LIMIT), second = BUF(BUF_NO_LIMIT);
        check_ok(compress_new(&used, forms[f], COMPRESS_DEFAULT_LEVEL));
        check_ok(compress_new(&fresh, forms[f], COMPRESS_DEFAULT_LEVEL));
        pack(&passing, used, false, text, CHUNK_MAX);
        pack(&passing, used, false, text + 777, 5000);
        pack(&first, used, false, text + 1000, 300000);
        pack(&second, fresh, false, text + 1000, 300000);
        assert_int_equal(first.len, second.len);
        assert_memory_equal(first.data, second.data, first.len);
    }
}

static void levels_are_checked(void **state)
{
    struct compress *c = NULL;

    (void)state;
    for (int level = COMPRESS_BEST_LEVEL; level <= 9; level++) {
        check_ok(compress_check_level(COMPRESSION_GZIP, level));
        check_ok(compress_check_level(COMPRESSION_ZSTD, level));
        check_ok(compress_check_level(COMPRESSION_NONE, level));
    }
    check_ok(compress_check_level(COMPRESSION_ZSTD, 19));
    check_error(compress_new(&c, COMPRESSION_GZIP, 10), ERR_USAGE, "fast, default, best and 0 to 9, not 10");
    check_error(compress_new(&c, COMPRESSION_ZSTD, 20), ERR_USAGE, "0 to 19, not 20");
    check_error(compress_new(&c, COMPRESSION_GZIP, -4), ERR_USAGE, "-4");
    check_error(compress_new(&c, COMPRESSION_UNKNOWN, 1), ERR_INTERNAL, "compress");
}

static void identities_say_what_the_bytes_depend_on(void **state)
{
    static const struct {
        enum mediatype_compression how;
        int level;
        const char *id;
    } cases[] = {
        {COMPRESSION_NONE, 3, "plain"},
        {COMPRESSION_GZIP, COMPRESS_DEFAULT_LEVEL, "lade-deflate/1 default"},
        {COMPRESSION_GZIP, 0, "lade-deflate/1 fast"},
        {COMPRESSION_GZIP, 3, "lade-deflate/1 fast"},
        {COMPRESSION_GZIP, 4, "lade-deflate/1 default"},
        {COMPRESSION_GZIP, 6, "lade-deflate/1 default"},
        {COMPRESSION_GZIP, 7, "lade-deflate/1 best"},
        {COMPRESSION_GZIP, COMPRESS_BEST_LEVEL, "lade-deflate/1 best"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO(mem_free) char *id = compress_id(cases[i].how, cases[i].level);
        assert_string_equal(id, cases[i].id);
    }
    AUTO(mem_free) char *zstd = compress_id(COMPRESSION_ZSTD, 0);
    assert_memory_equal(zstd, "zstd/1.", 7);
    assert_string_equal(zstd + strlen(zstd) - 2, " 3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_are_read_back),
        cmocka_unit_test(bytes_do_not_depend_on_earlier_chunks),
        cmocka_unit_test(levels_are_checked),
        cmocka_unit_test(identities_say_what_the_bytes_depend_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
