/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include "base/mem.h"
#include "layers/deflate.h"

#include <archive.h>
#include <archive_entry.h>
#ifdef HAVE_LIBDEFLATE
#include <libdeflate.h>
#endif
#include <zlib.h>

/* Our encoder, at each level, as two chunks that are put together: zlib, libdeflate and libarchive read what
 * was there, and the bytes do not depend on what the encoder did before. */

#define PLAIN_MAX ((size_t)300000)

/* Short inputs make long texts: literal bytes, and copies of what was there. */
static void expand(struct buf *out, struct fuzz_in *in)
{
    while (in->left > 0 && out->len < PLAIN_MAX) {
        uint8_t op = fuzz_byte(in);
        if (op < 128 || out->len == 0) {
            size_t got;
            const uint8_t *bytes = fuzz_bytes(in, op % 32 + 1u, &got);
            buf_add(out, bytes, got);
            continue;
        }
        size_t distance = fuzz_number(in, op & 64 ? 2 : 1) + 1;
        size_t len = fuzz_byte(in) + (op & 32 ? 256u * (op & 31) : 3u);
        distance = distance < out->len ? distance : out->len;
        for (; len > 0 && out->len < PLAIN_MAX; len--)
            buf_byte(out, out->data[out->len - distance]);
    }
}

static void read_by_zlib(const uint8_t *packed, size_t len, uint8_t *to, const struct buf *plain)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)packed,
                  .avail_in = (uInt)len,
                  .next_out = to,
                  .avail_out = (uInt)plain->len + 1};

    fuzz_need(inflateInit2(&z, -15) == Z_OK);
    fuzz_need(inflate(&z, Z_FINISH) == Z_STREAM_END);
    fuzz_need(z.avail_in == 0 && z.total_out == plain->len);
    fuzz_need(memcmp(to, buf_text(plain), plain->len) == 0);
    inflateEnd(&z);
}

static void read_by_libdeflate(const uint8_t *packed, size_t len, uint8_t *to, const struct buf *plain)
{
#ifdef HAVE_LIBDEFLATE
    struct libdeflate_decompressor *reader = libdeflate_alloc_decompressor();
    size_t got = 0;

    fuzz_need(libdeflate_deflate_decompress(reader, packed, len, to, plain->len + 1, &got) ==
              LIBDEFLATE_SUCCESS);
    fuzz_need(got == plain->len && memcmp(to, buf_text(plain), got) == 0);
    libdeflate_free_decompressor(reader);
#else
    (void)packed, (void)len, (void)to, (void)plain;
#endif
}

static void read_by_libarchive(const uint8_t *packed, size_t len, uint8_t *to, const struct buf *plain)
{
    static const uint8_t header[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255};
    AUTO_VALUE(buf_wipe) struct buf member = BUF(BUF_NO_LIMIT);
    uint32_t ends[] = {(uint32_t)crc32(0, (const Bytef *)buf_text(plain), (uInt)plain->len),
                       (uint32_t)plain->len};
    struct archive *a = archive_read_new();
    struct archive_entry *entry;
    size_t all = 0;
    la_ssize_t got = 1;

    buf_add(&member, header, sizeof header);
    buf_add(&member, packed, len);
    for (size_t i = 0; i < 8; i++)
        buf_byte(&member, (char)(ends[i / 4] >> i % 4 * 8));
    archive_read_support_filter_gzip(a);
    archive_read_support_format_raw(a);
    archive_read_support_format_empty(a);
    fuzz_need(archive_read_open_memory(a, member.data, member.len) == ARCHIVE_OK);
    if (archive_read_next_header(a, &entry) == ARCHIVE_OK)
        while (got > 0) {
            got = archive_read_data(a, to + all, plain->len + 1 - all);
            fuzz_need(got >= 0);
            all += (size_t)got;
        }
    fuzz_need(all == plain->len && memcmp(to, buf_text(plain), all) == 0);
    archive_read_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_VALUE(buf_wipe) struct buf plain = BUF(BUF_NO_LIMIT);
    AUTO(deflate_free) struct deflate *used = deflate_new();
    struct fuzz_in in = {data, size};
    uint8_t how = fuzz_byte(&in);
    size_t cut = fuzz_number(&in, 2);

    if (how & 1)
        expand(&plain, &in);
    else
        buf_add(&plain, in.at, in.left < PLAIN_MAX ? in.left : PLAIN_MAX);
    cut = cut < plain.len ? cut : plain.len;
    const uint8_t *text = (const uint8_t *)buf_text(&plain);
    size_t room = deflate_bound(PLAIN_MAX) + deflate_bound(65536);
    AUTO(mem_free)
    uint8_t *packed = mem_alloc(room), *again = mem_alloc(room), *back = mem_alloc(plain.len + 1);
    for (unsigned i = DEFLATE_FAST; i <= DEFLATE_BEST; i++) {
        enum deflate_level level = (enum deflate_level)i;
        AUTO(deflate_free) struct deflate *fresh = deflate_new();
        size_t head = deflate_chunk(used, level, text, cut, packed, deflate_bound(cut), false);
        fuzz_need(head >= 5 && memcmp(packed + head - 4, "\0\0\xff\xff", 4) == 0);
        size_t tail = deflate_chunk(used, level, text + cut, plain.len - cut, packed + head,
                                    deflate_bound(plain.len - cut), true);
        fuzz_need(tail >= 2);
        fuzz_need(deflate_chunk(fresh, level, text + cut, plain.len - cut, again, room, true) == tail);
        fuzz_need(memcmp(again, packed + head, tail) == 0);
        read_by_zlib(packed, head + tail, back, &plain);
        read_by_libdeflate(packed, head + tail, back, &plain);
        read_by_libarchive(packed, head + tail, back, &plain);
    }
    return 0;
}
