/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_DEFLATE_INNER_H
#define LADE_LAYERS_DEFLATE_INNER_H

#include "layers/deflate.h"
#include "layers/deflate_bits.h"

/*
 * What the files of the encoder share. The way of a chunk:
 *
 *     deflate.c           the chunk, segment by segment; which segments form a block
 *     deflate_fast.c, deflate_lazy.c, deflate_best.c
 *                         one segment of input to sequences (literals and a match), by level
 *     deflate_match.h     how long two places are the same, where a hash was seen
 *     deflate_block.c     a block's cheapest form; deflate_write.c its bits
 *     deflate_huffman.c   code lengths and codes from counts
 *     deflate_table.c     the constants of RFC 1951, logarithms, the cost of a block
 *
 * Every number in these files that decides something is part of lade-deflate/1: changing it changes the
 * bytes.
 */

#define MATCH_MIN 3
#define MATCH_MAX 258
#define DISTANCE_MAX 32768

#define LITLEN_COUNT 286
#define LITLEN_END 256   /* the end of a block */
#define LITLEN_FIRST 257 /* the code of length 3 */
#define LENGTH_CODES 29  /* from LITLEN_FIRST on */
#define DISTANCE_COUNT 30
#define FIXED_LITLEN_COUNT 288 /* the fixed codes have two of each that are never used */
#define FIXED_DISTANCE_COUNT 32
#define LITLEN_BITS 14 /* four literals fit between two flushes of the bits */
#define DISTANCE_BITS 15
#define STORED_MAX 65535 /* bytes of one stored block */

/* A sequence: 0 … 511 literals, then one match. In one word: literals in the upper 9 bits, length - 3 in 8,
 * distance - 1 in 15. Length 3 at distance 32768, which no parser uses, stands for "no match". */
#define SEQUENCE_LITERALS_MAX 511
#define SEQUENCE(literals, length, distance) \
    ((uint32_t)(literals) << 23 | (uint32_t)((length)-MATCH_MIN) << 15 | (uint32_t)((distance)-1))
#define SEQUENCE_NO_MATCH SEQUENCE(0, MATCH_MIN, DISTANCE_MAX)

/* Blocks are made of whole segments. A segment ends at most one match behind its size. */
#define SEGMENT_FAST 16384
#define SEGMENT_DEFAULT 8192
#define SEGMENT_BEST 4096
#define SEGMENT_SEQUENCES 5632 /* more than (16384 + 258) / 3 + 16384 / 511 + 1 */
#define SEQUENCES_MAX 32768    /* of one block and the segment after it */

struct counts {
    uint32_t litlen[LITLEN_COUNT];
    uint32_t distance[DISTANCE_COUNT];
};

/* What never changes, computed once for each encoder. */
struct tables {
    uint8_t length_code[256];   /* of length - 3: code - 257 */
    uint8_t distance_code[512]; /* of d = distance - 1: [d] below 256, else [256 + (d >> 7)] */
    uint16_t log2[257];         /* 4096 * log2(1 + i / 256) */
};

/* Where each hash was seen. Positions are kept mod 65536, and nothing is ever taken out: an entry is only a
 * guess, the input's bytes decide. All zero at a chunk's start, which says position 0. */
#define FAST_HASH_BITS 15
struct fast_state {
    uint16_t newest[1u << FAST_HASH_BITS];
};

#define LAZY_HASH_BITS 15
#define LAZY_HASH8_BITS 14
struct lazy_state {
    uint64_t rows[1u << LAZY_HASH_BITS]; /* the newest four, the newest in the lowest 16 bits */
    uint16_t newest8[1u << LAZY_HASH8_BITS];
};

/* Of an optimal parse: what each thing costs, in 1/64 bits, with its extra bits. */
struct best_costs {
    uint32_t literal[256];
    uint32_t length[256]; /* of length - 3 */
    uint32_t distance[DISTANCE_COUNT];
};

#define BEST_HASH_BITS 15
#define BEST_HASH3_BITS 14
#define BEST_HASH8_BITS 15
struct best_state {
    uint16_t newest[1u << BEST_HASH_BITS];
    uint16_t older[DISTANCE_MAX]; /* by position mod 32768: the one before with the same hash */
    uint16_t newest3[1u << BEST_HASH3_BITS];
    uint16_t newest8[1u << BEST_HASH8_BITS];
    /* By place in the segment: the cheapest way there; its cost << 32, then the match that it ends with, or
     * SEQUENCE_NO_MATCH for a literal. */
    uint64_t way[SEGMENT_BEST + MATCH_MAX];
    struct counts past; /* what came before, the newer the heavier */
    struct best_costs costs;
};

struct deflate {
    struct tables tables;
    union {
        struct fast_state fast;
        struct lazy_state lazy;
        struct best_state best;
    };
    /* The chunk. */
    const uint8_t *in;
    size_t len;
    struct bits out;
    /* The block that is being gathered, then the newest segment. */
    size_t block_start; /* in the input */
    size_t block_end;
    size_t block_sequences;
    size_t sequence_count;
    struct counts block;
    struct counts segment;
    uint64_t block_cost; /* by deflate_cost */
    uint64_t segment_cost;
    uint32_t sequences[SEQUENCES_MAX];
};

static inline unsigned distance_code(const struct tables *t, unsigned distance)
{
    unsigned d = distance - 1;

    return t->distance_code[d < 256 ? d : 256 + (d >> 7)];
}

/* Add literals without a match. Counting literals is the caller's work, here and below. */
static inline void sequence_add_literals(struct deflate *d, size_t literals)
{
    while (literals > 0) {
        size_t part = literals < SEQUENCE_LITERALS_MAX ? literals : SEQUENCE_LITERALS_MAX;
        d->sequences[d->sequence_count++] = SEQUENCE(part, MATCH_MIN, DISTANCE_MAX);
        literals -= part;
    }
}

/* Add literals and the match after them, which is counted. */
static inline void sequence_add(struct deflate *d, size_t literals, unsigned length, unsigned distance)
{
    if (literals > SEQUENCE_LITERALS_MAX) {
        sequence_add_literals(d, literals);
        literals = 0;
    }
    d->sequences[d->sequence_count++] = SEQUENCE(literals, length, distance);
    d->segment.litlen[LITLEN_FIRST + d->tables.length_code[length - MATCH_MIN]]++;
    d->segment.distance[distance_code(&d->tables, distance)]++;
}

/* The constants of RFC 1951 section 3.2.5. */
extern const uint16_t deflate_length_base[LENGTH_CODES];
extern const uint8_t deflate_length_extra[LENGTH_CODES];
extern const uint16_t deflate_distance_base[DISTANCE_COUNT];
extern const uint8_t deflate_distance_extra[DISTANCE_COUNT];
void deflate_tables(struct tables *t);

/* 4096 * log2(x), rounded down a little; x is at least 1. */
static inline uint32_t deflate_log2(const struct tables *t, uint32_t x)
{
    unsigned top = 31 - (unsigned)__builtin_clz(x);
    uint32_t mantissa = top >= 8 ? x >> (top - 8) : x << (8 - top);

    return (top << 12) + t->log2[mantissa - 256];
}

/* The bits, times 4096, that the counts take with a code made for them, that code's own description included;
 * about. */
uint64_t deflate_cost(const struct tables *t, const struct counts *c);

/* Code lengths of at most `limit` for `count` symbols (at most 288) from how often each occurs; no count is
 * above 2^22. At least two symbols get a length, as some decoders want it. */
void deflate_lengths(uint8_t *lengths, const uint32_t *counts, unsigned count, unsigned limit);
/* The canonical codes of these lengths, first bit lowest: code | length << 24; 0 for symbols without length.
 */
void deflate_codes(uint32_t *codes, const uint8_t *lengths, unsigned count);

/* Write the gathered block in its shortest form. */
void deflate_block(struct deflate *d, bool final);
/* The block's sequences in these code lengths (of 288 and 32 symbols), and its end. */
void deflate_write_coded(struct deflate *d, const uint8_t *litlen_lengths, const uint8_t *distance_lengths);
/* The block's bytes as they are, with their block headers. */
void deflate_write_stored(struct deflate *d, bool final);

/* A level: make ready for a chunk, then one segment after the other. A segment gives the sequences and counts
 * for the input from `start` up to at least `end`, and returns where it ended, at most at the chunk's end. */
void deflate_fast_start(struct deflate *d);
size_t deflate_fast_segment(struct deflate *d, size_t start, size_t end);
void deflate_lazy_start(struct deflate *d);
size_t deflate_lazy_segment(struct deflate *d, size_t start, size_t end);
void deflate_best_start(struct deflate *d);
size_t deflate_best_segment(struct deflate *d, size_t start, size_t end);

#endif
