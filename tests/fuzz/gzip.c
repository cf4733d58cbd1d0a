/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include "base/mem.h"
#include "layers/compress.h"
#include "layers/deflate.h"
#include "layers/gzip.h"

#include <zlib.h>

/* gzip streams of known content: members of ours and of zlib's, of any flags, empty ones, then zeros, junk or
 * a cut. What the reader must say of each is known beforehand. */

#define PLAIN_MAX ((size_t)200000)

struct made {
    struct buf packed, plain;
    size_t whole;       /* bytes of the members that are complete */
    size_t whole_plain; /* of these */
};

static void add_ours(struct made *m, struct fuzz_in *in, unsigned chunks)
{
    AUTO(deflate_free) struct deflate *d = deflate_new();
    uint8_t frame[GZIP_FRAME_MAX];
    struct gzip g = {0};

    for (unsigned i = 0; i < chunks; i++) {
        size_t len;
        const uint8_t *text = fuzz_bytes(in, fuzz_byte(in), &len);
        AUTO(mem_free) uint8_t *out = mem_alloc(deflate_bound(len));
        buf_add(&m->packed, frame, gzip_before_chunk(&g, frame));
        buf_add(&m->packed, out,
                deflate_chunk(d, DEFLATE_DEFAULT, text, len, out, deflate_bound(len), false));
        gzip_add_chunk(&g, gzip_crc(text, len), len);
        buf_add(&m->plain, text, len);
    }
    buf_add(&m->packed, frame, gzip_end(&g, frame));
}

static void add_zlibs(struct made *m, struct fuzz_in *in, uint8_t flags)
{
    size_t len, extra_len;
    const uint8_t *extra = fuzz_bytes(in, flags & 7, &extra_len);
    const uint8_t *text = fuzz_bytes(in, fuzz_byte(in), &len);
    z_stream z = {0};
    gz_header h = {.text = flags >> 3 & 1, .time = flags, .hcrc = flags >> 4 & 1};
    uint8_t out[1000];

    if (extra_len > 0) {
        h.extra = (Bytef *)(uintptr_t)extra;
        h.extra_len = (uInt)extra_len;
    }
    if (flags & 32)
        h.name = (Bytef *)(uintptr_t) "a name";
    fuzz_need(deflateInit2(&z, flags % 10, Z_DEFLATED, 31, 8, flags % 5) == Z_OK);
    fuzz_need(deflateSetHeader(&z, &h) == Z_OK);
    z.next_in = (Bytef *)(uintptr_t)text;
    z.avail_in = (uInt)len;
    z.next_out = out;
    z.avail_out = sizeof out;
    fuzz_need(deflate(&z, Z_FINISH) == Z_STREAM_END);
    buf_add(&m->packed, out, sizeof out - z.avail_out);
    buf_add(&m->plain, text, len);
    deflateEnd(&z);
}

static void check(const struct made *m, size_t len, bool good, bool cut)
{
    AUTO_VALUE(buf_wipe) struct buf found = BUF(BUF_NO_LIMIT);
    AUTO(source_free) struct source *s = NULL;
    const uint8_t *data = (const uint8_t *)buf_text(&m->packed);

    fuzz_ok(
        decompress_source(&s, cut ? fuzz_drip(data, len) : source_mem(data, len), COMPRESSION_GZIP, "fuzz"));
    struct err *e = source_read_all(s, &found, "fuzz");
    fuzz_need(found.len <= m->plain.len && memcmp(buf_text(&found), buf_text(&m->plain), found.len) == 0);
    fuzz_need(good == !e);
    if (fuzz_refused(e))
        return;
    fuzz_need(found.len == m->whole_plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct made m = {.packed = BUF(BUF_NO_LIMIT), .plain = BUF(BUF_NO_LIMIT)};
    struct fuzz_in in = {data, size};
    uint8_t end = fuzz_byte(&in), at = fuzz_byte(&in);
    size_t members = 0;

    for (; in.left > 0 && m.plain.len < PLAIN_MAX; members++) {
        uint8_t op = fuzz_byte(&in);
        m.whole = m.packed.len;
        m.whole_plain = m.plain.len;
        if (op & 1)
            add_ours(&m, &in, op % 5 + 1);
        else
            add_zlibs(&m, &in, op);
    }
    size_t len = m.packed.len;
    if (end % 4 != 3) {
        m.whole = len;
        m.whole_plain = m.plain.len;
    }
    bool good = members > 0;
    if (end % 4 == 1) {
        for (unsigned i = 0; i < at; i++)
            buf_byte(&m.packed, 0);
    } else if (end % 4 == 2) {
        /* Not the beginning of a member: zeros, then another byte. */
        for (unsigned i = 0; i < at; i++)
            buf_byte(&m.packed, 0);
        buf_byte(&m.packed, (char)(end | 0x20));
        good = false;
    } else if (end % 4 == 3 && members > 0) {
        /* Within the last member; when nothing is left of it, what is before stands for itself. */
        len = m.whole + (len - m.whole) * at / 256;
        good = members > 1 && len == m.whole;
    }
    if (end % 4 != 3)
        len = m.packed.len;
    check(&m, len, good, false);
    check(&m, len, good, true);
    buf_wipe(&m.packed);
    buf_wipe(&m.plain);
    return 0;
}
