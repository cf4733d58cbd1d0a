/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/mem.h"
#include "deflate_inputs.h"
#include "layers/deflate.h"

#include <archive.h>
#include <archive_entry.h>
#ifdef HAVE_LIBDEFLATE
#include <libdeflate.h>
#endif
#include <zlib.h>

#define LEVELS 3
#define SIZES 5
static const size_t sizes[SIZES] = {0, 1, 5000, 70000, DEFLATE_CHUNK_MAX};

/* A gzip member around one chunk that ends with a flush, as layers have it. Returns its size. */
static size_t member(struct deflate *d, unsigned level, const uint8_t *in, size_t len, uint8_t *out,
                     size_t room)
{
    static const uint8_t header[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255};
    size_t size = sizeof header;
    uint32_t crc = (uint32_t)crc32(0, in, (uInt)len);

    memcpy(out, header, size);
    size += deflate_chunk(d, (enum deflate_level)level, in, len, out + size, room - size, false);
    memcpy(out + size, DEFLATE_END, DEFLATE_END_SIZE);
    size += DEFLATE_END_SIZE;
    for (unsigned shift = 0; shift < 32; shift += 8)
        out[size++] = (uint8_t)(crc >> shift);
    for (unsigned shift = 0; shift < 32; shift += 8)
        out[size++] = (uint8_t)(len >> shift);
    return size;
}

static size_t read_by_libarchive(const uint8_t *data, size_t size, uint8_t *out, size_t room)
{
    struct archive *a = archive_read_new();
    struct archive_entry *entry;
    size_t len = 0;
    la_ssize_t got;

    archive_read_support_filter_gzip(a);
    archive_read_support_format_raw(a);
    archive_read_support_format_empty(a);
    assert_int_equal(archive_read_open_memory(a, data, size), ARCHIVE_OK);
    if (archive_read_next_header(a, &entry) == ARCHIVE_OK)
        while ((got = archive_read_data(a, out + len, room - len)) > 0)
            len += (size_t)got;
    archive_read_free(a);
    return len;
}

static void other_readers_agree(void **state)
{
    AUTO(deflate_free) struct deflate *d = deflate_new();
    size_t room = deflate_bound(DEFLATE_CHUNK_MAX) + 100;
    AUTO(mem_free) uint8_t *in = mem_alloc(DEFLATE_CHUNK_MAX);
    AUTO(mem_free) uint8_t *out = mem_alloc(room);
    AUTO(mem_free) uint8_t *back = mem_alloc(DEFLATE_CHUNK_MAX + 1);

    (void)state;
    for (size_t kind = 0; kind < INPUTS_COUNT; kind++)
        for (unsigned i = 0; i < SIZES * LEVELS; i++) {
            size_t len = sizes[i / LEVELS];
            inputs_fill(kind, len, in);
            size_t size = member(d, i % LEVELS, in, len, out, room);
            assert_int_equal(read_by_libarchive(out, size, back, DEFLATE_CHUNK_MAX + 1), len);
            assert_memory_equal(back, in, len);
#ifdef HAVE_LIBDEFLATE
            struct libdeflate_decompressor *reader = libdeflate_alloc_decompressor();
            size_t got = 0;
            memset(back, 0, len);
            assert_int_equal(libdeflate_gzip_decompress(reader, out, size, back, DEFLATE_CHUNK_MAX + 1, &got),
                             LIBDEFLATE_SUCCESS);
            libdeflate_free_decompressor(reader);
            assert_int_equal(got, len);
            assert_memory_equal(back, in, len);
#endif
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(other_readers_agree)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
