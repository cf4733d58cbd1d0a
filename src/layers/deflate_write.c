/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/deflate_inner.h"

struct codes {
    uint32_t litlen[FIXED_LITLEN_COUNT];
    uint32_t distance[FIXED_DISTANCE_COUNT];
    uint32_t length[256]; /* of length - 3: the code with its extra bits, and their number << 24 */
};

static void make_codes(struct codes *c, const uint8_t *litlen_lengths, const uint8_t *distance_lengths)
{
    deflate_codes(c->litlen, litlen_lengths, FIXED_LITLEN_COUNT);
    deflate_codes(c->distance, distance_lengths, FIXED_DISTANCE_COUNT);
    for (unsigned code = 0; code < LENGTH_CODES; code++) {
        uint32_t litlen = c->litlen[LITLEN_FIRST + code];
        unsigned bits = litlen >> 24;
        unsigned extra = deflate_length_extra[code];
        for (uint32_t i = 0; i < 1u << extra && deflate_length_base[code] + i <= MATCH_MAX; i++)
            c->length[deflate_length_base[code] + i - MATCH_MIN] =
                (litlen & 0xffffff) | i << bits | (uint32_t)(bits + extra) << 24;
    }
}

static inline void add_code(struct bits *out, uint32_t code)
{
    bits_add(out, code & 0xffffff, code >> 24);
}

static inline const uint8_t *write_literals(struct bits *out, const struct codes *c, const uint8_t *in,
                                            unsigned count)
{
    for (; count >= 4; count -= 4, in += 4) {
        add_code(out, c->litlen[in[0]]);
        add_code(out, c->litlen[in[1]]);
        add_code(out, c->litlen[in[2]]);
        add_code(out, c->litlen[in[3]]);
        bits_flush(out);
    }
    if (count > 0) {
        add_code(out, c->litlen[*in++]);
        if (count > 1) {
            add_code(out, c->litlen[*in++]);
            if (count > 2)
                add_code(out, c->litlen[*in++]);
        }
        bits_flush(out);
    }
    return in;
}

void deflate_write_coded(struct deflate *d, const uint8_t *litlen_lengths, const uint8_t *distance_lengths)
{
    struct codes c;
    struct bits out = d->out;
    const uint8_t *in = d->in + d->block_start;

    make_codes(&c, litlen_lengths, distance_lengths);
    for (size_t i = 0; i < d->block_sequences; i++) {
        uint32_t sequence = d->sequences[i];
        unsigned length = sequence >> 15 & 255;
        unsigned distance = (sequence & 0x7fff) + 1;

        in = write_literals(&out, &c, in, sequence >> 23);
        if ((sequence & 0x7fffff) == SEQUENCE_NO_MATCH)
            continue;
        unsigned code = distance_code(&d->tables, distance);
        add_code(&out, c.length[length]);
        add_code(&out, c.distance[code]);
        bits_add(&out, distance - deflate_distance_base[code], deflate_distance_extra[code]);
        bits_flush(&out);
        in += length + MATCH_MIN;
    }
    add_code(&out, c.litlen[LITLEN_END]);
    bits_flush(&out);
    d->out = out;
}

void deflate_write_stored(struct deflate *d, bool final)
{
    const uint8_t *in = d->in + d->block_start;
    size_t left = d->block_end - d->block_start;

    while (left > 0) {
        size_t part = left < STORED_MAX ? left : STORED_MAX;
        left -= part;
        bits_add(&d->out, final && left == 0, 3);
        bits_align(&d->out);
        bits_add(&d->out, part | (~part & 0xffff) << 16, 32);
        bits_flush(&d->out);
        memcpy(d->out.next, in, part);
        d->out.next += part;
        in += part;
    }
}
