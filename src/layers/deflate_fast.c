/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/deflate_match.h"

/*
 * DEFLATE_FAST: one remembered place for each hash of five bytes, the first match is taken, and only the ends
 * of a match are remembered.
 */

static inline void remember(struct deflate *d, uint64_t word, size_t pos)
{
    d->fast.newest[match_hash5(word, FAST_HASH_BITS)] = (uint16_t)pos;
}

static inline void remember_ends(struct deflate *d, size_t start, size_t end)
{
    uint64_t word = bits_load64(d->in + start + 1);

    remember(d, word, start + 1);
    remember(d, word >> 8, start + 2);
    word = bits_load64(d->in + end - 3);
    remember(d, word, end - 3);
    remember(d, word >> 8, end - 2);
    remember(d, word >> 16, end - 1);
}

void deflate_fast_start(struct deflate *d)
{
    memset(&d->fast, 0, sizeof d->fast);
}

size_t deflate_fast_segment(struct deflate *d, size_t start, size_t end)
{
    const uint8_t *in = d->in;
    size_t last = match_stop(d);
    size_t stop = end < last ? end : last;
    size_t anchor = start; /* the first byte that is in no sequence yet */
    size_t pos = start > 0 ? start : 1;

    match_literals(d, start, pos < end ? pos : end);
    while (pos < stop) {
        uint64_t word = bits_load64(in + pos);
        uint16_t *place = &d->fast.newest[match_hash5(word, FAST_HASH_BITS)];
        unsigned distance = match_distance(pos, *place);
        uint64_t differ = bits_load64(in + pos - distance) ^ word;

        *place = (uint16_t)pos;
        if ((uint32_t)differ != 0) {
            pos = match_skip(d, anchor, pos, stop);
            continue;
        }
        unsigned length = differ ? (unsigned)__builtin_ctzll(differ) >> 3
                                 : match_length(in + pos, in + pos - distance, 8, match_room(d, pos));
        sequence_add(d, pos - anchor, length, distance);
        anchor = pos + length;
        if (anchor < last)
            remember_ends(d, pos, anchor);
        pos = anchor;
    }
    return match_end(d, anchor, pos, end);
}
