/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_DEFLATE_MATCH_H
#define LADE_LAYERS_DEFLATE_MATCH_H

#include "layers/deflate_inner.h"

/* Finding matches: what the three levels have in common. */

/* Matches are looked for up to here before the chunk's end, so that whole words can be read without looking.
 */
#define MATCH_MARGIN 16

struct match {
    unsigned length;
    unsigned distance;
};

static inline size_t match_stop(const struct deflate *d)
{
    return d->len < MATCH_MARGIN ? 0 : d->len - MATCH_MARGIN;
}

/* The longest that a match at `pos` may be. */
static inline unsigned match_room(const struct deflate *d, size_t pos)
{
    return d->len - pos < MATCH_MAX ? (unsigned)(d->len - pos) : MATCH_MAX;
}

/* How many bytes are the same, when the first `length` are; at most `room`. */
static inline unsigned match_length(const uint8_t *at, const uint8_t *before, unsigned length, unsigned room)
{
    while (length + 8 <= room) {
        uint64_t differ = bits_load64(at + length) ^ bits_load64(before + length);
        if (differ)
            return length + ((unsigned)__builtin_ctzll(differ) >> 3);
        length += 8;
    }
    while (length < room && at[length] == before[length])
        length++;
    return length;
}

/* How far an entry is before `pos`, taken within the window: 1 … 32768, and never before the input's start if
 * pos > 0, since an entry that is made before position 32768 is a position before `pos`, or 0. */
static inline unsigned match_distance(size_t pos, unsigned entry)
{
    return (((unsigned)pos - 1 - entry) & (DISTANCE_MAX - 1)) + 1;
}

#define MATCH_PRIME 0x9e3779b1u
#define MATCH_PRIME64 0x9e3779b97f4a7c15u

static inline unsigned match_hash3(uint32_t word, unsigned bits)
{
    return (word << 8) * MATCH_PRIME >> (32 - bits);
}

static inline unsigned match_hash4(uint32_t word, unsigned bits)
{
    return word * MATCH_PRIME >> (32 - bits);
}

static inline unsigned match_hash5(uint64_t word, unsigned bits)
{
    return (unsigned)((word << 24) * MATCH_PRIME64 >> (64 - bits));
}

static inline unsigned match_hash8(uint64_t word, unsigned bits)
{
    return (unsigned)(word * MATCH_PRIME64 >> (64 - bits));
}

/* The match at this distance if it is longer than m, which has at least 3 bytes; else m. Looks first at the
 * four bytes with which it would have to end. */
static inline struct match match_longer(const struct deflate *d, size_t pos, unsigned distance,
                                        struct match m)
{
    const uint8_t *at = d->in + pos;
    unsigned room = match_room(d, pos);

    if (m.length >= room || bits_load32(at - distance + m.length - 3) != bits_load32(at + m.length - 3))
        return m;
    unsigned length = match_length(at, at - distance, 0, room);
    return length > m.length ? (struct match){.length = length, .distance = distance} : m;
}

/* Count literals. */
static inline void match_literals(struct deflate *d, size_t from, size_t to)
{
    for (; from < to; from++)
        d->segment.litlen[d->in[from]]++;
}

/* After 512 literals in a row look at every second place, after 1024 at every third … */
#define MATCH_SKIP_SHIFT 9

/* There is no match at `pos`, and what follows the last one begins at `anchor`: where to look next. */
static inline size_t match_skip(struct deflate *d, size_t anchor, size_t pos, size_t stop)
{
    size_t next = pos + 1 + ((pos + 1 - anchor) >> MATCH_SKIP_SHIFT);
    if (next > stop)
        next = stop;
    match_literals(d, pos, next);
    return next;
}

/* Nothing more is looked for in the segment. Returns where it ends, which may be behind `end`. */
static inline size_t match_end(struct deflate *d, size_t anchor, size_t pos, size_t end)
{
    if (pos < end) {
        match_literals(d, pos, end);
        pos = end;
    }
    sequence_add_literals(d, pos - anchor);
    return pos;
}

#endif
