/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/mem.h"
#include "layers/compress.h"

/* Text that compresses, but not to nothing. */
static char *pattern(size_t size)
{
    char *text = mem_alloc(size + 1);
    uint32_t at = 7;

    for (size_t i = 0; i < size; i++) {
        at = at * 1664525u + 1013904223u;
        text[i] = i % 64 < 40 ? (char)('a' + i % 26) : (char)(at >> 24);
    }
    text[size] = '\0';
    return text;
}

static void pack(struct buf *out, const char *text, size_t size, size_t step, int level)
{
    AUTO(sink_free) struct sink *to = NULL;

    check_ok(compress_sink(&to, sink_buf(out), COMPRESSION_GZIP, level));
    for (size_t at = 0; at < size; at += step)
        check_ok(sink_write(to, text + at, size - at < step ? size - at : step));
    check_ok(sink_commit(to));
}

static void gzip_is_read_back(void **state)
{
    static const size_t sizes[] = {0, 1, 1000, 131071, 131072, 131073, 1000000};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        for (int level = -1; level <= 9; level++) {
            AUTO(mem_free) char *text = pattern(sizes[i]);
            AUTO_VALUE(buf_wipe) struct buf packed = BUF(BUF_NO_LIMIT);
            AUTO_VALUE(buf_wipe) struct buf plain = BUF(BUF_NO_LIMIT);
            AUTO(source_free) struct source *from = NULL;
            pack(&packed, text, sizes[i], 4000, level);
            check_ok(decompress_source(&from, source_mem(packed.data, packed.len), COMPRESSION_GZIP, "test"));
            check_ok(source_read_all(from, &plain, "plain"));
            assert_int_equal(plain.len, sizes[i]);
            assert_memory_equal(buf_text(&plain), text, sizes[i]);
        }
    }
}

/* RFC 1952: magic, deflate, no flags, no time, extra flags, unknown system. */
static void the_header_says_nothing_of_us(void **state)
{
    AUTO_VALUE(buf_wipe) struct buf packed = BUF(BUF_NO_LIMIT);

    (void)state;
    pack(&packed, "x", 1, 1, COMPRESS_DEFAULT_LEVEL);
    assert_memory_equal(packed.data, "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff", 10);
}

static void bytes_do_not_depend_on_how_they_came(void **state)
{
    static const size_t steps[] = {1, 511, 4096, 131072, 200000, 700001};
    AUTO(mem_free) char *text = pattern(700001);

    (void)state;
    for (int level = 0; level <= 9; level += 3) {
        AUTO_VALUE(buf_wipe) struct buf first = BUF(BUF_NO_LIMIT);
        pack(&first, text, 700001, 12345, level);
        for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
            AUTO_VALUE(buf_wipe) struct buf packed = BUF(BUF_NO_LIMIT);
            pack(&packed, text, 700001, steps[i], level);
            assert_int_equal(packed.len, first.len);
            assert_memory_equal(packed.data, first.data, first.len);
        }
    }
}

static void other_forms(void **state)
{
    AUTO_VALUE(buf_wipe) struct buf out = BUF(BUF_NO_LIMIT);
    struct sink *to = NULL;

    (void)state;
    check_ok(compress_sink(&to, sink_buf(&out), COMPRESSION_NONE, COMPRESS_DEFAULT_LEVEL));
    check_ok(sink_write(to, "plain", 5));
    check_ok(sink_commit(to));
    sink_free(to);
    assert_string_equal(buf_text(&out), "plain");
    check_error(compress_sink(&to, sink_discard(), COMPRESSION_ZSTD, COMPRESS_DEFAULT_LEVEL), ERR_UNSUPPORTED,
                "zstd");
    check_error(compress_sink(&to, sink_discard(), COMPRESSION_GZIP, 10), ERR_USAGE, "levels 0 to 9, not 10");
    check_error(compress_sink(&to, sink_discard(), COMPRESSION_GZIP, -2), ERR_USAGE, "-2");
    check_error(compress_sink(&to, sink_discard(), COMPRESSION_UNKNOWN, 1), ERR_INTERNAL, "compress");
}

static void errors_of_the_inner_sink_come_through(void **state)
{
    AUTO_VALUE(buf_wipe) struct buf small = BUF(1000);
    AUTO(mem_free) char *text = pattern(1000000);
    AUTO(sink_free) struct sink *to = NULL;

    (void)state;
    check_ok(compress_sink(&to, sink_buf(&small), COMPRESSION_GZIP, 6));
    struct err *e = sink_write(to, text, 1000000);
    check_error(e ? e : sink_commit(to), ERR_RESOURCE, "larger than 1000 bytes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gzip_is_read_back),
        cmocka_unit_test(the_header_says_nothing_of_us),
        cmocka_unit_test(bytes_do_not_depend_on_how_they_came),
        cmocka_unit_test(other_forms),
        cmocka_unit_test(errors_of_the_inner_sink_come_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
