/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/deflate_inner.h"

const uint16_t deflate_length_base[LENGTH_CODES] = {3,  4,  5,  6,   7,   8,   9,   10,  11, 13,
                                                    15, 17, 19, 23,  27,  31,  35,  43,  51, 59,
                                                    67, 83, 99, 115, 131, 163, 195, 227, 258};
const uint8_t deflate_length_extra[LENGTH_CODES] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                                    2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
const uint16_t deflate_distance_base[DISTANCE_COUNT] = {
    1,   2,   3,   4,   5,   7,    9,    13,   17,   25,   33,   49,   65,    97,    129,
    193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
const uint8_t deflate_distance_extra[DISTANCE_COUNT] = {0, 0, 0, 0, 1, 1, 2, 2,  3,  3,  4,  4,  5,  5,  6,
                                                        6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13};

/* 4096 * log2(x / 2^30) for x in [2^30, 2^31), by squaring, rounded down. */
static unsigned log2_fraction(uint64_t x)
{
    unsigned result = 0;

    for (unsigned bit = 0; bit < 12; bit++) {
        x = x * x >> 30;
        result <<= 1;
        if (x >= (uint64_t)1 << 31) {
            x >>= 1;
            result |= 1;
        }
    }
    return result;
}

void deflate_tables(struct tables *t)
{
    for (unsigned code = 0; code < LENGTH_CODES; code++)
        for (unsigned i = 0; i < 1u << deflate_length_extra[code]; i++)
            if (deflate_length_base[code] + i <= MATCH_MAX)
                t->length_code[deflate_length_base[code] + i - MATCH_MIN] = (uint8_t)code;
    for (unsigned code = 0; code < DISTANCE_COUNT; code++)
        for (unsigned i = 0; i < 1u << deflate_distance_extra[code]; i++) {
            unsigned d = deflate_distance_base[code] + i - 1;
            t->distance_code[d < 256 ? d : 256 + (d >> 7)] = (uint8_t)code;
        }
    for (unsigned i = 0; i < 256; i++)
        t->log2[i] = (uint16_t)log2_fraction((uint64_t)(256 + i) << 22);
    t->log2[256] = 4096;
}

/* What a code made for these counts spends on them: the sum of count * log2(total / count). */
static uint64_t entropy(const struct tables *t, const uint32_t *counts, unsigned count, unsigned *used)
{
    uint64_t saved = 0;
    uint32_t total = 0;

    for (unsigned i = 0; i < count; i++)
        if (counts[i] > 0) {
            saved += (uint64_t)counts[i] * deflate_log2(t, counts[i]);
            total += counts[i];
            ++*used;
        }
    return total > 0 ? (uint64_t)total * deflate_log2(t, total) - saved : 0;
}

#define DESCRIPTION_BITS 3 /* for each symbol that occurs */

uint64_t deflate_cost(const struct tables *t, const struct counts *c)
{
    unsigned used = 0;
    uint64_t cost = entropy(t, c->litlen, LITLEN_COUNT, &used);

    cost += entropy(t, c->distance, DISTANCE_COUNT, &used);
    return cost + ((uint64_t)used * DESCRIPTION_BITS << 12);
}
