/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include "layers/entries_tar.h"
#include "layers/indexfile.h"
#include "layers/tarread.h"

/*
 * Any bytes as a tar, with the checksums of what looks like headers set right, so that what is behind them is
 * reached: refused, or a tree; the same one however the stream is cut, and as an index in the cache. In this
 * process: what is tested is what stands between an enemy and the process that reads.
 */

#define BLOCK 512

static void mend_checksums(uint8_t *tar, size_t size)
{
    for (; size >= BLOCK; tar += BLOCK, size -= BLOCK) {
        unsigned sum = 8 * ' ';
        if (memcmp(tar + 257, "ustar", 5) != 0)
            continue;
        for (size_t i = 0; i < BLOCK; i++)
            sum += i >= 148 && i < 156 ? 0 : tar[i];
        snprintf((char *)tar + 148, 8, "%06o", sum);
    }
}

static struct err *take_file(void *ctx, uint32_t entry, struct node *n, struct source *bytes)
{
    uint64_t size = 0, *digest = ctx;
    const uint8_t *data;
    size_t len;

    for (;;) {
        TRY(source_peek(bytes, &data, &len));
        if (len == 0)
            break;
        for (size_t i = 0; i < len; i++)
            *digest = (*digest ^ data[i]) * 1099511628211u;
        size += len;
        source_advance(bytes, len);
    }
    fuzz_need(size == n->size);
    *digest += entry;
    return NULL;
}

/* The bytes of the tree's index; nothing when it is refused. */
static void read_tar(struct source *from, bool layer, struct buf *index, uint64_t *digest)
{
    struct tarlimits limits = TARLIMITS;
    limits.bytes = 8 << 20;
    limits.entries = 2000;
    limits.memory = 8 << 20;
    const struct tarread_options options = {
        .what = "fuzz", .layer = layer, .file = take_file, .ctx = digest, .limits = &limits};
    const struct indexfile head = {.blob = digest_of("", 0), .diff_id = digest_of("", 0)};
    AUTO(source_free) struct source *s = from;
    AUTO(entries_free) struct entries *entries = NULL;
    AUTO(tree_free) struct tree *t = NULL;

    if (fuzz_refused(entries_tar(&entries, s, &limits)) ||
        fuzz_refused(tarread_entries(&t, entries, &options))) {
        *digest = 0; /* how far it came does not count */
        return;
    }
    indexfile_write(index, &head, t);
}

static void read_index(const struct buf *index)
{
    AUTO_VALUE(buf_wipe) struct buf again = BUF(BUF_NO_LIMIT);
    AUTO(tree_free) struct tree *t = NULL;
    struct indexfile head;

    fuzz_ok(indexfile_read(&head, &t, buf_text(index), index->len));
    indexfile_write(&again, &head, t);
    fuzz_need(again.len == index->len && memcmp(again.data, index->data, again.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_VALUE(buf_wipe) struct buf tar = BUF(BUF_NO_LIMIT);
    struct fuzz_in in = {data, size};
    uint8_t how = fuzz_byte(&in);
    size_t cut = fuzz_byte(&in) * 2u;

    buf_add(&tar, in.at, in.left);
    if (how & 1)
        mend_checksums((uint8_t *)tar.data, tar.len);
    tar.len -= how & 2 && cut < tar.len ? cut : 0;
    for (unsigned layer = 0; layer < 2; layer++) {
        AUTO_VALUE(buf_wipe) struct buf whole = BUF(BUF_NO_LIMIT), pieces = BUF(BUF_NO_LIMIT);
        uint64_t digests[2] = {0, 0};
        read_tar(source_mem(buf_text(&tar), tar.len), layer, &whole, &digests[0]);
        read_tar(fuzz_drip((const uint8_t *)buf_text(&tar), tar.len), layer, &pieces, &digests[1]);
        fuzz_need(whole.len == pieces.len && digests[0] == digests[1]);
        fuzz_need(memcmp(buf_text(&whole), buf_text(&pieces), whole.len) == 0);
        if (whole.len > 0)
            read_index(&whole);
    }
    return 0;
}
