/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include "base/mem.h"
#include "layers/compress.h"

#ifdef HAVE_LIBDEFLATE
#include <libdeflate.h>
#endif

/* Any bytes as a compressed stream: an answer or a refusal, the same however the stream is cut; what is
 * accepted as gzip is read the same by libdeflate. */

#define PLAIN_MAX ((size_t)1 << 20)

static bool read_all(struct err *made, struct source *s, struct buf *out)
{
    AUTO(source_free) struct source *from = s;

    return !fuzz_refused(made) && !fuzz_refused(source_read_all(from, out, "fuzz"));
}

static bool plain_of(const uint8_t *data, size_t size, enum mediatype_compression how, bool cut,
                     struct buf *out)
{
    struct source *from = cut ? fuzz_drip(data, size) : source_mem(data, size), *s = NULL;
    struct err *e = decompress_source(&s, from, how, "fuzz");
    return read_all(e, s, out);
}

/* As the specification of gzip has it, each member in turn; then zeros. */
static void read_by_libdeflate(const uint8_t *data, size_t size, const struct buf *plain)
{
#ifdef HAVE_LIBDEFLATE
    struct libdeflate_decompressor *reader = libdeflate_alloc_decompressor();
    AUTO(mem_free) uint8_t *to = mem_alloc(plain->len + 1);
    size_t all = 0;

    while (size > 0 && *data) {
        size_t used = 0, got = 0;
        fuzz_need(libdeflate_gzip_decompress_ex(reader, data, size, to, plain->len + 1, &used, &got) ==
                  LIBDEFLATE_SUCCESS);
        fuzz_need(got <= plain->len - all && memcmp(to, buf_text(plain) + all, got) == 0);
        all += got;
        data += used;
        size -= used;
    }
    fuzz_need(all == plain->len);
    libdeflate_free_decompressor(reader);
#else
    (void)data, (void)size, (void)plain;
#endif
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum mediatype_compression forms[] = {COMPRESSION_GZIP, COMPRESSION_ZSTD,
                                                       COMPRESSION_UNKNOWN};

    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        AUTO_VALUE(buf_wipe) struct buf plain = BUF(PLAIN_MAX), again = BUF(PLAIN_MAX);
        bool good = plain_of(data, size, forms[i], false, &plain);
        fuzz_need(plain_of(data, size, forms[i], true, &again) == good);
        if (!good)
            continue;
        fuzz_need(again.len == plain.len && memcmp(buf_text(&again), buf_text(&plain), plain.len) == 0);
        if (forms[i] == COMPRESSION_GZIP)
            read_by_libdeflate(data, size, &plain);
    }
    AUTO_VALUE(buf_wipe) struct buf any = BUF(PLAIN_MAX);
    struct source *s = NULL;
    struct err *e = decompress_any_source(&s, source_mem(data, size), "fuzz");
    (void)read_all(e, s, &any);
    return 0;
}
