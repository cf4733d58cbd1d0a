/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/deflate_inner.h"

#define SYMBOLS_MAX 288
#define SYMBOL_BITS 9
#define SYMBOL_MASK ((1u << SYMBOL_BITS) - 1)
#define KEY_BITS 32
#define DEPTHS 32 /* a tree of depth 31 would need a sum of counts above 2^21 */

/* Sort count << 9 | symbol, smallest first: by byte of the count, lowest byte first. `all` has the bits of
 * all keys. */
static void sort_keys(uint32_t *keys, unsigned count, uint32_t all)
{
    uint32_t other[SYMBOLS_MAX];

    for (unsigned shift = SYMBOL_BITS; shift < KEY_BITS && all >> shift > 0; shift += 8) {
        uint32_t place[257] = {0};
        for (unsigned i = 0; i < count; i++)
            place[(keys[i] >> shift & 255) + 1]++;
        for (unsigned i = 0; i < 256; i++)
            place[i + 1] += place[i];
        for (unsigned i = 0; i < count; i++)
            other[place[keys[i] >> shift & 255]++] = keys[i];
        memcpy(keys, other, count * sizeof *keys);
    }
}

/* How many leaves Huffman's tree over the sorted counts has at each depth. There are at least two. */
static void tree_depths(const uint32_t *keys, unsigned count, unsigned *leaves)
{
    uint32_t weight[SYMBOLS_MAX];
    uint16_t parent[SYMBOLS_MAX]; /* of inner nodes, the last being the root; in the end their depth */
    unsigned leaf = 0;
    unsigned inner = 0;
    unsigned nodes = count - 1;

    for (unsigned next = 0; next < nodes; next++) {
        weight[next] = 0;
        for (int child = 0; child < 2; child++) {
            if (leaf < count && (inner >= next || keys[leaf] >> SYMBOL_BITS <= weight[inner])) {
                weight[next] += keys[leaf++] >> SYMBOL_BITS;
            } else {
                weight[next] += weight[inner];
                parent[inner++] = (uint16_t)next;
            }
        }
    }
    /* From the root down: every inner node gives two places one deeper, each taken by an inner node or a
     * leaf. */
    memset(leaves, 0, DEPTHS * sizeof *leaves);
    parent[nodes - 1] = 0;
    leaves[1] = 2;
    for (unsigned node = nodes - 1; node-- > 0;) {
        unsigned depth = parent[parent[node]] + 1u;
        parent[node] = (uint16_t)depth;
        leaves[depth]--;
        leaves[depth + 1] += 2;
    }
}

/* Make no code longer than `limit`: leaves below it come up to it, and each surplus is paid by the deepest
 * leaf above the limit, which goes one down and takes one of those at the limit beside it. */
static void limit_depths(unsigned *leaves, unsigned limit)
{
    uint64_t used = 0;

    for (unsigned depth = limit + 1; depth < DEPTHS; depth++) {
        leaves[limit] += leaves[depth];
        leaves[depth] = 0;
    }
    for (unsigned depth = 1; depth <= limit; depth++)
        used += (uint64_t)leaves[depth] << (limit - depth);
    while (used > (uint64_t)1 << limit) {
        unsigned depth = limit - 1;
        while (leaves[depth] == 0)
            depth--;
        leaves[depth]--;
        leaves[depth + 1] += 2;
        leaves[limit]--;
        used--;
    }
}

void deflate_lengths(uint8_t *lengths, const uint32_t *counts, unsigned count, unsigned limit)
{
    uint32_t keys[SYMBOLS_MAX];
    unsigned leaves[DEPTHS];
    unsigned used = 0;
    uint32_t all = 0;

    memset(lengths, 0, count);
    for (unsigned i = 0; i < count; i++)
        if (counts[i] > 0) {
            keys[used] = counts[i] << SYMBOL_BITS | i;
            all |= keys[used++];
        }
    if (used < 2) {
        unsigned only = used ? keys[0] & SYMBOL_MASK : 0;
        lengths[only] = 1;
        lengths[only ? 0 : 1] = 1;
        return;
    }
    sort_keys(keys, used, all);
    tree_depths(keys, used, leaves);
    limit_depths(leaves, limit);
    unsigned next = used;
    for (unsigned depth = 1; depth <= limit; depth++)
        for (unsigned i = 0; i < leaves[depth] && next > 0; i++)
            lengths[keys[--next] & SYMBOL_MASK] = (uint8_t)depth;
}

static uint32_t reverse(uint32_t code, unsigned length)
{
    code = (code & 0x5555) << 1 | (code >> 1 & 0x5555);
    code = (code & 0x3333) << 2 | (code >> 2 & 0x3333);
    code = (code & 0x0f0f) << 4 | (code >> 4 & 0x0f0f);
    code = (code & 0x00ff) << 8 | (code >> 8 & 0x00ff);
    return code >> (16 - length);
}

void deflate_codes(uint32_t *codes, const uint8_t *lengths, unsigned count)
{
    unsigned number[16] = {0};
    uint32_t next[16];
    uint32_t code = 0;

    for (unsigned i = 0; i < count; i++)
        number[lengths[i]]++;
    number[0] = 0;
    for (unsigned length = 1; length < 16; length++) {
        code = (code + number[length - 1]) << 1;
        next[length] = code;
    }
    for (unsigned i = 0; i < count; i++) {
        unsigned length = lengths[i];
        codes[i] = length ? reverse(next[length]++, length) | (uint32_t)length << 24 : 0;
    }
}
