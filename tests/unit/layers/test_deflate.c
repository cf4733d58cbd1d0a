/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/digest.h"
#include "base/mem.h"
#include "deflate_inputs.h"
#include "layers/deflate.h"

#include <zlib.h>

#define LEVELS 3

/* Frozen as lade-deflate/1: SHA-256 over the outputs for all sizes of deflate_inputs.h, each first with a
 * flush, then final. They hold for ever; a change here changes the digest of every image that anybody built,
 * and is wrong. */
static const char *const answers[INPUTS_COUNT][LEVELS] = {
    /* zeros */
    {"1b5fd8ded55c45b0a12f898ddcf8a412cf420eb23ac564358084ee35d4ba0f08",
     "1b5fd8ded55c45b0a12f898ddcf8a412cf420eb23ac564358084ee35d4ba0f08",
     "1b5fd8ded55c45b0a12f898ddcf8a412cf420eb23ac564358084ee35d4ba0f08"},
    /* noise */
    {"3f004cc9014d8a49e5a830002fa228d11d04722b1f2f7060c6e4d56e795ff837",
     "f4cc4f486ea544e043277df679b162a9279cd57633638178892a5edb54a35e97",
     "f4cc4f486ea544e043277df679b162a9279cd57633638178892a5edb54a35e97"},
    /* counting */
    {"f14ba5c48f116922279745378c23037d64df652258b85deeaacabe096dff35d3",
     "3116bcef862ad60ad4a2117a7a10e20188e5e7f8a1a3135b3b7960bd380dc3be",
     "ca0fb304f27ca51b5a12c418de553754ba780096408fd32716fc120192c9be13"},
    /* text */
    {"24d3bf62201d5ebd08225d42314b1a013e8f396cd8f91d97b96232b740665bb7",
     "95272fd17635b5e87827c9416048d8819c695e3960aea3c9b99ed111577bb742",
     "682f1117423ee18e0f56bccb0c81993fa93778dfa3d917e3db9ca15b2d443c84"},
    /* records */
    {"fb9eedd062719609e79a10af1494716f4b7fb4dcfe4559a1d65d7a98f5816daa",
     "24ac50e07f91bdf85b8478974378fea7f94d673505010700d061614090c06b90",
     "ba30f1a686c9c03e126117c75c5c7ec9a598782cbbe1bc5f4fda031587c1f529"},
    /* copies */
    {"cd4fead3cf75fb8486f136f7aa81e23e5c47537443c6b124528255b90202b4dc",
     "d4e63c9767a7a5a991ff493d80660adcb03514660a6e0b739ca4143f95ab29df",
     "4c5c046a032dc944aa4a5425fb20f215047b2988933e8242cf180ad91fb18217"},
    /* distances */
    {"bc92bda20003d5f6be38a8f06f24d0b19646c33d21cccbc039d8ed6aed0547d4",
     "bc92bda20003d5f6be38a8f06f24d0b19646c33d21cccbc039d8ed6aed0547d4",
     "c1f517e22555b29152df9a378d5c948d3999c4f33347af362a5d9e38aa621297"},
    /* mixed */
    {"75775b0db86de61cbc6c43ddc905ff8d82460bd55075df5e44b7899dde5560a6",
     "b47314a140cf5e79a8ba7c670a0adaf17a0553225baf9c7d5add5a44093973c0",
     "693eb5d9f9b59c6326f378d78ba3311f04c692aa06db115b219d31289eb173f1"},
};

struct bench {
    struct deflate *d;
    uint8_t *in, *out, *back;
    size_t room;
};

static int setup(void **state)
{
    struct bench *b = mem_zero(1, sizeof *b);

    b->d = deflate_new();
    b->room = deflate_bound(DEFLATE_CHUNK_MAX);
    b->in = mem_alloc(DEFLATE_CHUNK_MAX);
    b->out = mem_alloc(b->room);
    b->back = mem_alloc(DEFLATE_CHUNK_MAX + 1);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;

    deflate_free(b->d);
    mem_free(b->in);
    mem_free(b->out);
    mem_free(b->back);
    mem_free(b);
    return 0;
}

/* Inflate all of `data` into b->back: how much that was. */
static size_t inflate_all(struct bench *b, const uint8_t *data, size_t len, bool final)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)data,
                  .avail_in = (uInt)len,
                  .next_out = b->back,
                  .avail_out = DEFLATE_CHUNK_MAX + 1};

    assert_int_equal(inflateInit2(&z, -15), Z_OK);
    int result = inflate(&z, Z_SYNC_FLUSH);
    size_t size = z.total_out;
    assert_int_equal(z.avail_in, 0);
    assert_int_equal(result, final ? Z_STREAM_END : len == 5 ? result : Z_OK);
    inflateEnd(&z);
    return size;
}

static size_t round_trip(struct bench *b, enum deflate_level level, const uint8_t *in, size_t len, bool final)
{
    size_t size = deflate_chunk(b->d, level, in, len, b->out, b->room, final);

    assert_in_range(size, 2, deflate_bound(len));
    if (!final)
        assert_memory_equal(b->out + size - 4, "\0\0\xff\xff", 4);
    assert_int_equal(inflate_all(b, b->out, size, final), len);
    assert_memory_equal(b->back, in, len);
    return size;
}

static void outputs_are_frozen_and_inflate(void **state)
{
    struct bench *b = *state;
    bool wrong = false;

    for (size_t kind = 0; kind < INPUTS_COUNT; kind++)
        for (unsigned level = 0; level < LEVELS; level++) {
            AUTO(hash_free) struct hash *h = hash_new(DIGEST_SHA256);
            char text[DIGEST_TEXT];
            for (size_t i = 0; i < INPUTS_SIZES; i++) {
                inputs_fill(kind, inputs_sizes[i], b->in);
                hash_add(h, b->out, round_trip(b, (enum deflate_level)level, b->in, inputs_sizes[i], false));
                hash_add(h, b->out, round_trip(b, (enum deflate_level)level, b->in, inputs_sizes[i], true));
            }
            struct digest digest = hash_value(h);
            if (strcmp(digest_hex(&digest, text), answers[kind][level]) != 0) {
                print_error("%s, level %u: %s\n", inputs[kind].name, level, text);
                wrong = true;
            }
        }
    assert_false(wrong);
}

static void matches_of_each_length_and_distance(void **state)
{
    struct bench *b = *state;
    struct inputs_random r = {3};
    size_t len = 32768;

    inputs_noise(&r, b->in, len);
    for (size_t distance = 1; distance <= 32768; distance++)
        for (size_t i = 0; i < 12; i++, len++)
            b->in[len] = b->in[len - distance];
    for (unsigned level = 0; level < LEVELS; level++)
        assert_in_range(round_trip(b, (enum deflate_level)level, b->in, len, false), 32768, 250000);
    len = 1000;
    for (size_t length = 1; length <= 300; length++) {
        b->in[len++] = (uint8_t)(inputs_next(&r) >> 8);
        size_t distance = 1 + inputs_below(&r, 900);
        for (size_t i = 0; i < length; i++, len++)
            b->in[len] = b->in[len - distance];
    }
    for (unsigned level = 0; level < LEVELS; level++)
        round_trip(b, (enum deflate_level)level, b->in, len, false);
}

static void size_of_what_cannot_be_compressed_is_bounded(void **state)
{
    struct bench *b = *state;
    struct inputs_random r = {5};

    inputs_noise(&r, b->in, DEFLATE_CHUNK_MAX);
    for (unsigned level = 0; level < LEVELS; level++)
        for (size_t len = 0; len <= DEFLATE_CHUNK_MAX; len = len * 3 + 1) {
            size_t room = deflate_bound(len);
            uint8_t *out = mem_alloc(room); /* of this size, so that the sanitizer sees a byte too many */
            size_t size = deflate_chunk(b->d, (enum deflate_level)level, b->in, len, out, room, false);
            assert_in_range(size, len, len + 5 * (len / 4096 + 2));
            mem_free(out);
        }
}

static void bad_arguments_write_nothing(void **state)
{
    struct bench *b = *state;

    b->out[0] = 77;
    assert_int_equal(deflate_chunk(b->d, DEFLATE_BEST, b->in, DEFLATE_CHUNK_MAX + 1, b->out, 1 << 30, false),
                     0);
    assert_int_equal(deflate_chunk(b->d, DEFLATE_BEST, b->in, 100, b->out, deflate_bound(100) - 1, false), 0);
    assert_int_equal(b->out[0], 77);
}

static void chunks_join_to_one_stream(void **state)
{
    struct bench *b = *state;
    size_t len = 0;
    size_t size = 0;

    for (size_t i = 0; i < 40; i++) {
        size_t part = i * 97 % 1000 * (i % 3);
        inputs_fill(i % INPUTS_COUNT, part, b->in + len);
        size += deflate_chunk(b->d, (enum deflate_level)(i % LEVELS), b->in + len, part, b->out + size,
                              b->room - size, false);
        len += part;
    }
    memcpy(b->out + size, DEFLATE_END, DEFLATE_END_SIZE);
    assert_int_equal(inflate_all(b, b->out, size + DEFLATE_END_SIZE, true), len);
    assert_memory_equal(b->back, b->in, len);
}

/* Neither what was compressed before nor where things lie in memory changes a byte. */
static void output_depends_on_the_input_alone(void **state)
{
    struct bench *b = *state;
    size_t len = 200001;
    uint8_t *moved = mem_alloc(len + 8);
    uint8_t *first = mem_alloc(b->room + 8);

    for (size_t kind = 0; kind < INPUTS_COUNT; kind++)
        for (unsigned level = 0; level < LEVELS; level++) {
            AUTO(deflate_free) struct deflate *fresh = deflate_new();
            inputs_fill(kind, len, b->in);
            size_t size = deflate_chunk(b->d, (enum deflate_level)level, b->in, len, b->out, b->room, false);
            memcpy(moved + 1 + level, b->in, len);
            memset(first, 0xee, b->room);
            assert_int_equal(deflate_chunk(fresh, (enum deflate_level)level, moved + 1 + level, len,
                                           first + 3, b->room, false),
                             size);
            assert_memory_equal(first + 3, b->out, size);
        }
    mem_free(moved);
    mem_free(first);
}

static void levels_are_worth_their_names(void **state)
{
    struct bench *b = *state;
    size_t size[LEVELS];

    inputs_fill(3, DEFLATE_CHUNK_MAX, b->in);
    for (unsigned level = 0; level < LEVELS; level++)
        size[level] = round_trip(b, (enum deflate_level)level, b->in, DEFLATE_CHUNK_MAX, false);
    assert_true(size[DEFLATE_BEST] < size[DEFLATE_DEFAULT]);
    assert_true(size[DEFLATE_DEFAULT] < size[DEFLATE_FAST]);
    uLongf zlib_best = b->room;
    assert_int_equal(compress2(b->back, &(uLongf){DEFLATE_CHUNK_MAX + 1}, b->in, 1, 9), Z_OK);
    uint8_t *out = mem_alloc(zlib_best);
    assert_int_equal(compress2(out, &zlib_best, b->in, DEFLATE_CHUNK_MAX, 9), Z_OK);
    mem_free(out);
    assert_true(size[DEFLATE_BEST] < zlib_best);
}

/* Random pieces of random kinds; LADE_FUZZ_ROUNDS asks for more of them. */
static void random_inputs_come_back(void **state)
{
    struct bench *b = *state;
    const char *more = getenv("LADE_FUZZ_ROUNDS");
    unsigned rounds = 150;
    struct inputs_random r = {11};

    for (; more && *more >= '0' && *more <= '9'; more++)
        rounds = (more == getenv("LADE_FUZZ_ROUNDS") ? 0 : rounds * 10) + (unsigned)(*more - '0');
    for (unsigned i = 0; i < rounds; i++) {
        size_t len = inputs_below(&r, 1 + inputs_below(&r, 1 + inputs_below(&r, DEFLATE_CHUNK_MAX)));
        size_t kind = inputs_below(&r, INPUTS_COUNT);
        inputs[kind].fill(&r, b->in, len);
        uint32_t alphabet = 1 + inputs_below(&r, 256);
        if (inputs_below(&r, 3) == 0)
            for (size_t k = 0; k < len; k++)
                b->in[k] = (uint8_t)(b->in[k] % alphabet);
        round_trip(b, (enum deflate_level)inputs_below(&r, LEVELS), b->in, len, inputs_below(&r, 2) == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outputs_are_frozen_and_inflate),
        cmocka_unit_test(matches_of_each_length_and_distance),
        cmocka_unit_test(size_of_what_cannot_be_compressed_is_bounded),
        cmocka_unit_test(bad_arguments_write_nothing),
        cmocka_unit_test(chunks_join_to_one_stream),
        cmocka_unit_test(output_depends_on_the_input_alone),
        cmocka_unit_test(levels_are_worth_their_names),
        cmocka_unit_test(random_inputs_come_back),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
