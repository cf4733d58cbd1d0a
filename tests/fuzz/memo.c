/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include "base/mem.h"
#include "layers/memo.h"

/* A memo file of the cache, with its checksum set right, and as it is: refused, or exactly what memo_encode
 * makes. */

#define SUM 32

static void decode(const void *data, size_t len, bool wanted)
{
    AUTO_VALUE(memo_wipe) struct memo m = {0};
    AUTO_VALUE(buf_wipe) struct buf again = BUF(BUF_NO_LIMIT);
    uint8_t other[CHUNKPLAN_KEY] = {1};

    if (fuzz_refused(memo_decode(&m, "fuzz", data, len)))
        return;
    fuzz_need(wanted);
    memo_encode(&m, "fuzz", &again);
    fuzz_need(again.len == len && memcmp(again.data, data, len) == 0);
    for (size_t i = 0; i < m.count; i++)
        if (memo_has_key(&m.chunk[i])) {
            const struct memo_chunk *found = memo_find(&m, m.chunk[i].key);
            fuzz_need(found && memcmp(found->key, m.chunk[i].key, sizeof found->key) == 0);
        }
    (void)memo_find(&m, other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_VALUE(buf_wipe) struct buf whole = BUF(BUF_NO_LIMIT);
    struct digest about = digest_of("fuzz", 4);
    const size_t about_at = sizeof "lade memo 1\n" - 1;

    buf_add(&whole, data, size);
    /* Nobody guesses a SHA-256. */
    if (size >= about_at + SUM)
        memcpy(whole.data + about_at, about.bytes, SUM);
    struct digest sum = digest_of(buf_text(&whole), whole.len);
    buf_add(&whole, sum.bytes, SUM);
    decode(whole.data, whole.len, true);
    whole.data[whole.len - 1] ^= 1;
    decode(whole.data, whole.len, false);
    return 0;
}
