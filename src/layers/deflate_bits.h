/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_DEFLATE_BITS_H
#define LADE_LAYERS_DEFLATE_BITS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * Words in memory, always read and written as little endian, and the bits of a deflate stream (RFC 1951
 * section 3.1.1: first bit in the lowest place). Part of the encoder; for its own files.
 */

static inline uint32_t bits_load32(const uint8_t *p)
{
    uint32_t word;

    memcpy(&word, p, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap32(word);
#endif
    return word;
}

static inline uint64_t bits_load64(const uint8_t *p)
{
    uint64_t word;

    memcpy(&word, p, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

static inline void bits_store64(uint8_t *p, uint64_t word)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    memcpy(p, &word, sizeof word);
}

/* The output. After bits_flush fewer than 8 bits wait in `word`, so 56 more can be added before the next
 * flush. Each flush stores 8 bytes at `next`; whoever makes the output's room counts them. */
struct bits {
    uint64_t word;
    unsigned count;
    uint8_t *next;
};

/* `value` has no bits above `count`. */
static inline void bits_add(struct bits *b, uint64_t value, unsigned count)
{
    b->word |= value << b->count;
    b->count += count;
}

static inline void bits_flush(struct bits *b)
{
    bits_store64(b->next, b->word);
    b->next += b->count >> 3;
    b->word >>= b->count & 56;
    b->count &= 7;
}

/* Zero bits up to the next byte; nothing waits after it. */
static inline void bits_align(struct bits *b)
{
    bits_flush(b);
    if (b->count > 0)
        *b->next++ = (uint8_t)b->word;
    b->word = 0;
    b->count = 0;
}

#endif
