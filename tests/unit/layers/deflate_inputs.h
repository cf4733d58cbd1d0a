/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_TESTS_DEFLATE_INPUTS_H
#define LADE_TESTS_DEFLATE_INPUTS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Inputs for the encoder of deflate, the same on every machine. Frozen as the answers to them are. */

struct inputs_random {
    uint64_t state;
};

static inline uint32_t inputs_next(struct inputs_random *r)
{
    r->state = r->state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(r->state >> 33);
}

static inline uint32_t inputs_below(struct inputs_random *r, uint32_t limit)
{
    return inputs_next(r) % limit;
}

static inline void inputs_zeros(struct inputs_random *r, uint8_t *out, size_t len)
{
    (void)r;
    memset(out, 0, len);
}

static inline void inputs_noise(struct inputs_random *r, uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(inputs_next(r) >> 7);
}

static inline void inputs_counting(struct inputs_random *r, uint8_t *out, size_t len)
{
    (void)r;
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)i;
}

/* Words of 1 … 12 letters, the low numbers often, in lines with some indentation. */
static inline void inputs_text(struct inputs_random *r, uint8_t *out, size_t len)
{
    size_t i = 0;

    while (i < len) {
        uint32_t word = inputs_below(r, 1 + inputs_below(r, 1 + inputs_below(r, 4000)));
        struct inputs_random letters = {word * 7919u + 1};
        uint32_t count = 1 + (word < 60 ? word % 4 : inputs_below(&letters, 12));
        for (; count > 0 && i < len; count--)
            out[i++] = (uint8_t)("etaoinshrdlucmfw"[inputs_below(&letters, 16)]);
        if (i < len)
            out[i++] = (uint8_t)(" \n,.(){}  =  ;\" "[inputs_below(r, 16)]);
        if (i < len && out[i - 1] == '\n')
            for (uint32_t indent = inputs_below(r, 5) * 4; indent > 0 && i < len; indent--)
                out[i++] = ' ';
    }
}

/* Records as in machine code and tables: few shapes, addresses that grow, small numbers, zero bytes. */
static inline void inputs_records(struct inputs_random *r, uint8_t *out, size_t len)
{
    uint32_t address = 0x401000;
    size_t i = 0;

    while (i < len) {
        uint32_t shape = inputs_below(r, 1 + inputs_below(r, 40));
        uint8_t record[16];
        size_t size = 3 + shape % 11;
        for (size_t k = 0; k < sizeof record; k++)
            record[k] = (uint8_t)(shape * 31 + k * (shape & 3) * 17);
        address += inputs_below(r, 64);
        record[1] = (uint8_t)inputs_below(r, 1 + inputs_below(r, 256));
        record[4] = (uint8_t)address;
        record[5] = (uint8_t)(address >> 8);
        record[6] = (uint8_t)(address >> 16);
        record[7] = 0;
        for (size_t k = 0; k < size && i < len; k++)
            out[i++] = record[k];
    }
}

/* What was there, once more, from any distance and of any length, with some new bytes between. */
static inline void inputs_copies(struct inputs_random *r, uint8_t *out, size_t len)
{
    size_t i = 0;

    while (i < len) {
        uint32_t fresh = inputs_below(r, 1 + inputs_below(r, 40));
        for (; (fresh > 0 || i == 0) && i<len; fresh -= fresh> 0)
            out[i++] = (uint8_t)(inputs_next(r) >> 9);
        uint32_t distance = 1 + inputs_below(r, (uint32_t)(i < 40000 ? i : 40000));
        uint32_t length = inputs_below(r, 1 + inputs_below(r, 400));
        for (; length > 0 && i < len && i > 0; length--, i++)
            out[i] = out[i - distance];
    }
}

/* Each distance of the window once, in order, after noise. */
static inline void inputs_distances(struct inputs_random *r, uint8_t *out, size_t len)
{
    size_t noise = len < 32768 ? len : 32768;
    size_t i = noise;

    inputs_noise(r, out, noise);
    for (size_t distance = 1; i < len; distance = distance % 32768 + 1)
        for (size_t length = 7 + distance % 5; length > 0 && i < len; length--, i++)
            out[i] = out[i - distance];
}

/* Pieces of all the others, so that blocks have to change. */
static inline void inputs_mixed(struct inputs_random *r, uint8_t *out, size_t len);

static const struct {
    const char *name;
    void (*fill)(struct inputs_random *r, uint8_t *out, size_t len);
} inputs[] = {
    {"zeros", inputs_zeros},         {"noise", inputs_noise},     {"counting", inputs_counting},
    {"text", inputs_text},           {"records", inputs_records}, {"copies", inputs_copies},
    {"distances", inputs_distances}, {"mixed", inputs_mixed},
};
#define INPUTS_COUNT (sizeof inputs / sizeof inputs[0])

static inline void inputs_mixed(struct inputs_random *r, uint8_t *out, size_t len)
{
    size_t part;

    for (size_t i = 0; i < len; i += part) {
        part = 1 + inputs_below(r, 1 + inputs_below(r, 60000));
        if (part > len - i)
            part = len - i;
        inputs[inputs_below(r, INPUTS_COUNT - 1)].fill(r, out + i, part);
    }
}

static const size_t inputs_sizes[] = {0,     1,     2,     3,      15,     16,      17,     64,    258,
                                      259,   4095,  4096,  4097,   8192,   16385,   32767,  32768, 32769,
                                      65535, 65536, 65537, 100000, 300000, 1048575, 1048576};
#define INPUTS_SIZES (sizeof inputs_sizes / sizeof inputs_sizes[0])

static inline void inputs_fill(size_t kind, size_t size, uint8_t *out)
{
    struct inputs_random r = {kind * 1000003 + size};

    inputs[kind].fill(&r, out, size);
}

#endif
