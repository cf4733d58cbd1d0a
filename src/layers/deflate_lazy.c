/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/deflate_match.h"

/*
 * DEFLATE_DEFAULT: four remembered places for each hash of four bytes, and one for each hash of eight; a
 * match is put off by one literal as long as the next place has a longer one.
 */

#define ROW 4
#define LENGTH_TAKEN 20 /* a match of this length is not put off */
#define LENGTH_LEAST 4

/* This row is wanted soon: the rows are more than the nearest cache holds. */
static inline void expect(const struct deflate *d, uint32_t word)
{
    __builtin_prefetch(&d->lazy.rows[match_hash4(word, LAZY_HASH_BITS)]);
}

/* Returns the row as it was. */
static inline uint64_t remember4(struct deflate *d, uint32_t word, size_t pos)
{
    uint64_t *row = &d->lazy.rows[match_hash4(word, LAZY_HASH_BITS)];
    uint64_t old = *row;

    *row = old << 16 | (pos & 0xffff);
    return old;
}

/* Returns the entry as it was. */
static inline unsigned remember8(struct deflate *d, uint64_t word, size_t pos)
{
    uint16_t *place = &d->lazy.newest8[match_hash8(word, LAZY_HASH8_BITS)];
    unsigned old = *place;

    *place = (uint16_t)pos;
    return old;
}

/* What a match covers: each place by four bytes, and every fourth by eight. */
static inline void remember_range(struct deflate *d, size_t from, size_t to)
{
    for (; from + 4 < to; from += 4) {
        uint64_t word = bits_load64(d->in + from);
        (void)remember8(d, word, from);
#pragma GCC unroll 4
        for (unsigned i = 0; i < 4; i++)
            (void)remember4(d, (uint32_t)(word >> 8 * i), from + i);
    }
    for (; from < to; from++)
        (void)remember4(d, bits_load32(d->in + from), from);
}

static inline unsigned row_distance(uint64_t row, unsigned i, size_t pos)
{
    return match_distance(pos, (unsigned)(row >> (16 * i)));
}

/* The longest match of a row, of equal ones the nearest; of length below LENGTH_LEAST if there is none. All
 * four places are measured up to 8 bytes without a branch; most end there. */
static inline struct match find(const struct deflate *d, uint64_t row, size_t pos, uint64_t word)
{
    const uint8_t *at = d->in + pos;
    unsigned room = match_room(d, pos);
    unsigned key = 0; /* length, then nearness */
    unsigned longer = 0;

#pragma GCC unroll 4
    for (unsigned i = 0; i < ROW; i++) {
        unsigned distance = row_distance(row, i, pos);
        uint64_t differ = bits_load64(at - distance) ^ word;
        unsigned same = (unsigned)__builtin_ctzll(differ | (uint64_t)1 << 63) >> 3;
        same = differ ? same : 8;
        unsigned this_key = same << 16 | (DISTANCE_MAX - distance);
        key = this_key > key ? this_key : key;
        longer |= (same >> 3) << i;
    }
    struct match best = {.length = key >> 16, .distance = DISTANCE_MAX - (key & 0xffff)};
    if (longer == 0)
        return best;
    best.length = match_length(at, at - best.distance, 8, room);
    for (longer &= longer - 1; longer && best.length < room; longer &= longer - 1) {
        unsigned distance = row_distance(row, (unsigned)__builtin_ctz(longer), pos);
        const uint8_t *before = at - distance;
        if (bits_load64(before + best.length - 7) != bits_load64(at + best.length - 7))
            continue;
        unsigned length = match_length(at, before, 8, room);
        if (length > best.length)
            best = (struct match){.length = length, .distance = distance};
    }
    return best;
}

/* The longest match of a row that is longer than m, or m. */
static inline struct match find_longer(const struct deflate *d, uint64_t row, size_t pos, struct match m)
{
    const uint8_t *at = d->in + pos;
    unsigned hits = 0;

    if (m.length >= match_room(d, pos))
        return m;
    uint32_t want = bits_load32(at + m.length - 3);
#pragma GCC unroll 4
    for (unsigned i = 0; i < ROW; i++)
        hits |= (unsigned)(bits_load32(at - row_distance(row, i, pos) + m.length - 3) == want) << i;
    for (; hits; hits &= hits - 1)
        m = match_longer(d, pos, row_distance(row, (unsigned)__builtin_ctz(hits), pos), m);
    return m;
}

void deflate_lazy_start(struct deflate *d)
{
    memset(&d->lazy, 0, sizeof d->lazy);
}

/* Take the match at *pos or a better one just behind it; the literals between are counted, and *pos moves
 * over them. Returns the first place that is not yet remembered. */
static inline size_t choose(struct deflate *d, struct match *m, size_t *pos, size_t last)
{
    while (m->length < LENGTH_TAKEN && *pos + 1 < last) {
        size_t behind = *pos + 1;
        uint64_t word = bits_load64(d->in + behind);
        uint64_t row = remember4(d, (uint32_t)word, behind);
        unsigned entry = remember8(d, word, behind);
        struct match next = find_longer(d, row, behind, *m);
        next = match_longer(d, behind, match_distance(behind, entry), next);
        if (next.length <= m->length)
            return behind + 1;
        d->segment.litlen[d->in[*pos]]++;
        *pos = behind;
        *m = next;
    }
    return *pos + 1;
}

size_t deflate_lazy_segment(struct deflate *d, size_t start, size_t end)
{
    const uint8_t *in = d->in;
    size_t last = match_stop(d);
    size_t stop = end < last ? end : last;
    size_t anchor = start; /* the first byte that is in no sequence yet */
    size_t pos = start > 0 ? start : 1;

    match_literals(d, start, pos < end ? pos : end);
    while (pos < stop) {
        uint64_t word = bits_load64(in + pos);
        uint64_t row = remember4(d, (uint32_t)word, pos);
        unsigned entry = remember8(d, word, pos);
        expect(d, (uint32_t)(word >> 8));
        expect(d, (uint32_t)(word >> 16));
        struct match m = find(d, row, pos, word);

        if (m.length < LENGTH_LEAST) {
            pos = match_skip(d, anchor, pos, stop);
            continue;
        }
        m = match_longer(d, pos, match_distance(pos, entry), m);
        size_t next = choose(d, &m, &pos, last);
        sequence_add(d, pos - anchor, m.length, m.distance);
        anchor = pos + m.length;
        if (anchor < last)
            expect(d, bits_load32(in + anchor));
        remember_range(d, next, anchor < last ? anchor : last);
        pos = anchor;
    }
    return match_end(d, anchor, pos, end);
}
