/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/deflate.h"

#include "base/mem.h"
#include "layers/deflate_inner.h"

#define FLUSH_SIZE 6   /* of a sync flush: 3 bits, up to 7 of filling, 00 00 FF FF */
#define BLOCK_SIZE 8   /* more than a stored block takes beside its content */
#define STORE_SLACK 16 /* bits_flush stores whole words */
#define SPLIT_BITS 64  /* what joining a segment to the block may waste */

_Static_assert(sizeof(struct deflate) <= 700 * 1024, "the state of one encoder");

struct level {
    void (*start)(struct deflate *d);
    size_t (*segment)(struct deflate *d, size_t start, size_t end);
    size_t segment_size;
};

static const struct level levels[] = {
    [DEFLATE_FAST] = {deflate_fast_start, deflate_fast_segment, SEGMENT_FAST},
    [DEFLATE_DEFAULT] = {deflate_lazy_start, deflate_lazy_segment, SEGMENT_DEFAULT},
    [DEFLATE_BEST] = {deflate_best_start, deflate_best_segment, SEGMENT_BEST},
};

struct deflate *deflate_new(void)
{
    struct deflate *d = mem_zero(1, sizeof *d);

    deflate_tables(&d->tables);
    return d;
}

void deflate_free(struct deflate *d)
{
    mem_free(d);
}

size_t deflate_bound(size_t len)
{
    return len + (len / SEGMENT_BEST + len / STORED_MAX + 2) * BLOCK_SIZE + FLUSH_SIZE + STORE_SLACK;
}

static void add_counts(struct counts *sum, const struct counts *more)
{
    for (unsigned i = 0; i < ARRAY_LEN(sum->litlen); i++)
        sum->litlen[i] += more->litlen[i];
    for (unsigned i = 0; i < ARRAY_LEN(sum->distance); i++)
        sum->distance[i] += more->distance[i];
}

/* Make the newest segment the beginning of a block. */
static void begin_block(struct deflate *d, size_t start, size_t end)
{
    size_t count = d->sequence_count - d->block_sequences;

    memmove(d->sequences, d->sequences + d->block_sequences, count * sizeof *d->sequences);
    d->sequence_count = count;
    d->block_sequences = count;
    d->block = d->segment;
    d->block_cost = d->segment_cost;
    d->block_start = start;
    d->block_end = end;
}

/* Put the newest segment into the block, if that costs no more than a block of its own. */
static bool joins_block(struct deflate *d, size_t end)
{
    struct counts both = d->block;
    uint64_t cost;

    add_counts(&both, &d->segment);
    cost = deflate_cost(&d->tables, &both);
    if (cost > d->block_cost + d->segment_cost + ((uint64_t)SPLIT_BITS << 12))
        return false;
    d->block = both;
    d->block_cost = cost;
    d->block_end = end;
    d->block_sequences = d->sequence_count;
    return true;
}

static void add_segment(struct deflate *d, size_t start, size_t end)
{
    d->segment_cost = deflate_cost(&d->tables, &d->segment);
    if (d->block_end > d->block_start) {
        if (d->sequence_count <= SEQUENCES_MAX - SEGMENT_SEQUENCES && joins_block(d, end))
            return;
        deflate_block(d, false);
    }
    begin_block(d, start, end);
}

static void sync_flush(struct deflate *d)
{
    bits_add(&d->out, 0, 3);
    bits_align(&d->out);
    bits_add(&d->out, 0xffff0000u, 32);
    bits_flush(&d->out);
}

size_t deflate_chunk(struct deflate *d, enum deflate_level level, const uint8_t *in, size_t len, uint8_t *out,
                     size_t room, bool final)
{
    const struct level *how = &levels[level];
    size_t end;

    if (len > DEFLATE_CHUNK_MAX || room < deflate_bound(len))
        return 0;
    if (len == 0 && final) {
        memcpy(out, DEFLATE_END, DEFLATE_END_SIZE);
        return DEFLATE_END_SIZE;
    }
    d->in = in;
    d->len = len;
    d->out = (struct bits){.next = out};
    d->block_start = d->block_end = 0;
    d->block_sequences = d->sequence_count = 0;
    how->start(d);
    for (size_t start = 0; start < len; start = end) {
        memset(&d->segment, 0, sizeof d->segment);
        end = how->segment(d, start, len - start > how->segment_size ? start + how->segment_size : len);
        add_segment(d, start, end);
    }
    if (len > 0)
        deflate_block(d, final);
    if (final)
        bits_align(&d->out);
    else
        sync_flush(d);
    return (size_t)(d->out.next - out);
}
