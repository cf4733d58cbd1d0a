/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/deflate_inner.h"

#define PRECODE_COUNT 19
#define PRECODE_BITS 7

/* The code lengths of a dynamic block as they are sent (RFC 1951 section 3.2.7). */
struct description {
    unsigned litlens; /* how many lengths are sent */
    unsigned distances;
    unsigned precodes;
    unsigned count; /* of items */
    uint8_t item[LITLEN_COUNT + DISTANCE_COUNT];
    uint8_t extra[LITLEN_COUNT + DISTANCE_COUNT];
    uint8_t precode_lengths[PRECODE_COUNT];
    uint64_t bits; /* all together */
};

struct lengths {
    uint8_t litlen[FIXED_LITLEN_COUNT];
    uint8_t distance[FIXED_DISTANCE_COUNT];
};

static const uint8_t precode_order[PRECODE_COUNT] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                                     11, 4,  12, 3, 13, 2, 14, 1, 15};
static const uint8_t precode_extra[PRECODE_COUNT] = {[16] = 2, [17] = 3, [18] = 7};

static void describe_item(struct description *s, uint32_t *counts, unsigned item, unsigned extra)
{
    s->item[s->count] = (uint8_t)item;
    s->extra[s->count++] = (uint8_t)extra;
    counts[item]++;
    s->bits += precode_extra[item];
}

static void describe_run(struct description *s, uint32_t *counts, unsigned length, unsigned run)
{
    if (length > 0) {
        describe_item(s, counts, length, 0);
        run--;
    }
    while (run > 0) {
        unsigned part = run;
        if (length == 0 && run >= 11) {
            part = run < 138 ? run : 138;
            describe_item(s, counts, 18, part - 11);
        } else if (length == 0 && run >= 3) {
            describe_item(s, counts, 17, part - 3);
        } else if (length > 0 && run >= 3) {
            part = run < 6 ? run : 6;
            describe_item(s, counts, 16, part - 3);
        } else {
            part = 1;
            describe_item(s, counts, length, 0);
        }
        run -= part;
    }
}

static void describe(struct description *s, const struct lengths *l)
{
    uint8_t all[LITLEN_COUNT + DISTANCE_COUNT];
    uint32_t counts[PRECODE_COUNT] = {0};
    unsigned total;

    s->litlens = LITLEN_COUNT;
    while (l->litlen[s->litlens - 1] == 0)
        s->litlens--;
    if (s->litlens < LITLEN_FIRST)
        s->litlens = LITLEN_FIRST;
    s->distances = DISTANCE_COUNT;
    while (l->distance[s->distances - 1] == 0)
        s->distances--;
    total = s->litlens + s->distances;
    memcpy(all, l->litlen, s->litlens);
    memcpy(all + s->litlens, l->distance, s->distances);
    s->count = 0;
    s->bits = 5 + 5 + 4;
    for (unsigned i = 0, run; i < total; i += run) {
        for (run = 1; i + run < total && all[i + run] == all[i]; run++)
            continue;
        describe_run(s, counts, all[i], run);
    }
    deflate_lengths(s->precode_lengths, counts, PRECODE_COUNT, PRECODE_BITS);
    s->precodes = PRECODE_COUNT;
    while (s->precodes > 4 && s->precode_lengths[precode_order[s->precodes - 1]] == 0)
        s->precodes--;
    s->bits += 3 * s->precodes;
    for (unsigned i = 0; i < PRECODE_COUNT; i++)
        s->bits += (uint64_t)counts[i] * s->precode_lengths[i];
}

static void write_description(struct bits *out, const struct description *s)
{
    uint32_t codes[PRECODE_COUNT];

    deflate_codes(codes, s->precode_lengths, PRECODE_COUNT);
    bits_add(out, s->litlens - 257, 5);
    bits_add(out, s->distances - 1, 5);
    bits_add(out, s->precodes - 4, 4);
    bits_flush(out);
    for (unsigned i = 0; i < s->precodes; i++) {
        bits_add(out, s->precode_lengths[precode_order[i]], 3);
        bits_flush(out);
    }
    for (unsigned i = 0; i < s->count; i++) {
        unsigned item = s->item[i];
        bits_add(out, codes[item] & 0xffffff, codes[item] >> 24);
        bits_add(out, s->extra[i], precode_extra[item]);
        bits_flush(out);
    }
}

static void fixed_lengths(struct lengths *l)
{
    memset(l->litlen, 8, 144);
    memset(l->litlen + 144, 9, 256 - 144);
    memset(l->litlen + 256, 7, 280 - 256);
    memset(l->litlen + 280, 8, FIXED_LITLEN_COUNT - 280);
    memset(l->distance, 5, FIXED_DISTANCE_COUNT);
}

static uint64_t coded_bits(const struct counts *n, const struct lengths *l)
{
    uint64_t bits = 0;

    for (unsigned i = 0; i < LITLEN_FIRST; i++)
        bits += (uint64_t)n->litlen[i] * l->litlen[i];
    for (unsigned i = 0; i < LENGTH_CODES; i++)
        bits +=
            (uint64_t)n->litlen[LITLEN_FIRST + i] * (l->litlen[LITLEN_FIRST + i] + deflate_length_extra[i]);
    for (unsigned i = 0; i < DISTANCE_COUNT; i++)
        bits += (uint64_t)n->distance[i] * (l->distance[i] + deflate_distance_extra[i]);
    return bits;
}

static uint64_t stored_bits(const struct deflate *d)
{
    size_t len = d->block_end - d->block_start;
    uint64_t pieces = (len + STORED_MAX - 1) / STORED_MAX;

    /* The first piece begins where the block before ended, the others at a full byte. */
    return 3 + ((0u - (d->out.count + 3)) & 7) + (pieces - 1) * 8 + pieces * 32 + (uint64_t)len * 8;
}

void deflate_block(struct deflate *d, bool final)
{
    struct lengths own = {0};
    struct lengths fixed;
    struct description s;

    d->block.litlen[LITLEN_END] = 1;
    deflate_lengths(own.litlen, d->block.litlen, LITLEN_COUNT, LITLEN_BITS);
    deflate_lengths(own.distance, d->block.distance, DISTANCE_COUNT, DISTANCE_BITS);
    describe(&s, &own);
    fixed_lengths(&fixed);
    uint64_t own_bits = 3 + s.bits + coded_bits(&d->block, &own);
    uint64_t fixed_bits = 3 + coded_bits(&d->block, &fixed);
    uint64_t stored = stored_bits(d);
    if (stored <= own_bits && stored <= fixed_bits) {
        deflate_write_stored(d, final);
        return;
    }
    bool dynamic = own_bits < fixed_bits;
    bits_add(&d->out, (unsigned) final | (dynamic ? 2u : 1u) << 1, 3);
    if (dynamic)
        write_description(&d->out, &s);
    const struct lengths *l = dynamic ? &own : &fixed;
    deflate_write_coded(d, l->litlen, l->distance);
}
