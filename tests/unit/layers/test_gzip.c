/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/buf.h"
#include "base/io.h"
#include "layers/compress.h"
#include "layers/crc.h"
#include "layers/gzip.h"

#include <zlib.h>

/* "hello" as a stored block that is not the last: raw deflate on a byte's edge. */
#define CHUNK "\x00\x05\x00\xfa\xffhello"
#define CHUNK_SIZE 10
#define TEXT "hello"

static void add(struct buf *out, struct gzip *g)
{
    uint8_t frame[GZIP_FRAME_MAX];

    buf_add(out, frame, gzip_before_chunk(g, frame));
    buf_add(out, CHUNK, CHUNK_SIZE);
    gzip_add_chunk(g, gzip_crc((const uint8_t *)TEXT, 5), 5);
}

static void end(struct buf *out, struct gzip *g)
{
    uint8_t frame[GZIP_FRAME_MAX];

    buf_add(out, frame, gzip_end(g, frame));
}

static void one_member_has_these_bytes(void **state)
{
    AUTO_VALUE(buf_wipe) struct buf out = BUF(BUF_NO_LIMIT);
    struct gzip g = {0};

    (void)state;
    add(&out, &g);
    add(&out, &g);
    end(&out, &g);
    /* CRC-32 of "hellohello" is 0xd8fdd4b9. */
    static const char wanted[] = "\x1f\x8b\x08\0\0\0\0\0\0\xff" CHUNK CHUNK "\x03\x00";
    assert_int_equal(out.len, sizeof wanted - 1 + 8);
    assert_memory_equal(out.data, wanted, sizeof wanted - 1);
    uLong crc = crc32(0, (const Bytef *)TEXT TEXT, 10);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal((uint8_t)out.data[out.len - 8 + i], crc >> 8 * i & 255);
        assert_int_equal(out.data[out.len - 4 + i], i == 0 ? 10 : 0);
    }
}

/* What comes out is read back by zlib, and has as many members as it must. */
static void members_end_in_time(void **state)
{
    static const struct {
        unsigned chunks, members;
    } cases[] = {
        {1, 1}, {4094, 1}, {4095, 1}, {4096, 2}, {8190, 2}, {8191, 3},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_VALUE(buf_wipe) struct buf out = BUF(BUF_NO_LIMIT);
        AUTO_VALUE(buf_wipe) struct buf plain = BUF(BUF_NO_LIMIT);
        AUTO(source_free) struct source *from = NULL;
        struct gzip g = {0};
        for (unsigned n = 0; n < cases[i].chunks; n++)
            add(&out, &g);
        end(&out, &g);
        check_ok(decompress_source(&from, source_mem(out.data, out.len), COMPRESSION_GZIP, "test"));
        check_ok(source_read_all(from, &plain, "test"));
        assert_int_equal(plain.len, cases[i].chunks * 5);
        assert_int_equal(out.len, cases[i].chunks * CHUNK_SIZE + cases[i].members * 20);
    }
}

/* The processor's way and zlib's tables agree, whatever the length and the place. */
static void sums_are_those_of_zlib(void **state)
{
    static uint8_t data[5000];
    uint32_t at = 1;

    (void)state;
    for (size_t i = 0; i < sizeof data; i++) {
        at = at * 1664525u + 1013904223u;
        data[i] = (uint8_t)(at >> 24);
    }
    for (size_t start = 0; start < 20; start++)
        for (size_t len = 0; len + start <= sizeof data; len += len < 600 ? 1 : 173)
            assert_int_equal(gzip_crc(data + start, len), crc32_z(0, data + start, len));
    for (size_t len = CRC_LEAST; crc_is_fast() && len < 2000; len += CRC_BLOCK)
        assert_int_equal(crc_add(crc_add(0, data, len), data + len, 1600), crc32_z(0, data, len + 1600));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_member_has_these_bytes),
        cmocka_unit_test(members_end_in_time),
        cmocka_unit_test(sums_are_those_of_zlib),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
