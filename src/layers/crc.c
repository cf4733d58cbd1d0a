/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/crc.h"

#include <assert.h>

#if defined(__x86_64__)

#include <immintrin.h>

#define FAST __attribute__((target("pclmul,sse4.1")))

/*
 * The data is a polynomial over GF(2). A part of it is folded onto what follows 128 or 512 bits later, by
 * multiplying its halves with x^n mod P; what is left of 128 bits is reduced by Barrett's method. (V. Gopal
 * and others, "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction", Intel, 2009; the
 * numbers are those for P = 0x04c11db7, bits reflected.)
 */
#define X_544 0x0154442bd4 /* x^(4*128+32) mod P … */
#define X_480 0x01c6e41596 /* x^(4*128-32) */
#define X_160 0x01751997d0 /* x^(128+32) */
#define X_96 0x00ccaa009e  /* x^(128-32) */
#define X_64 0x0163cd6124
#define P_REFLECTED 0x01db710641
#define MU 0x01f7011641 /* x^64 / P */

FAST static inline __m128i load(const uint8_t *data)
{
    return _mm_loadu_si128((const __m128i *)(const void *)data);
}

FAST static inline __m128i fold(__m128i part, __m128i by, __m128i onto)
{
    __m128i low = _mm_clmulepi64_si128(part, by, 0x00);
    __m128i high = _mm_clmulepi64_si128(part, by, 0x11);

    return _mm_xor_si128(_mm_xor_si128(low, high), onto);
}

/* 128 bits to 32. */
FAST static uint32_t reduce(__m128i part)
{
    const __m128i low_halves = _mm_setr_epi32(-1, 0, -1, 0);
    __m128i rest;

    rest = _mm_clmulepi64_si128(part, _mm_set_epi64x(X_96, X_160), 0x10);
    part = _mm_xor_si128(_mm_srli_si128(part, 8), rest);
    rest = _mm_srli_si128(part, 4);
    part = _mm_clmulepi64_si128(_mm_and_si128(part, low_halves), _mm_set_epi64x(0, X_64), 0x00);
    part = _mm_xor_si128(part, rest);

    const __m128i barrett = _mm_set_epi64x(MU, P_REFLECTED);
    rest = _mm_clmulepi64_si128(_mm_and_si128(part, low_halves), barrett, 0x10);
    rest = _mm_clmulepi64_si128(_mm_and_si128(rest, low_halves), barrett, 0x00);
    return (uint32_t)_mm_extract_epi32(_mm_xor_si128(part, rest), 1);
}

FAST uint32_t crc_add(uint32_t crc, const uint8_t *data, size_t len)
{
    const __m128i by_512 = _mm_set_epi64x(X_480, X_544);
    const __m128i by_128 = _mm_set_epi64x(X_96, X_160);
    __m128i part[4];

    assert(len >= CRC_LEAST && len % CRC_BLOCK == 0);
    for (unsigned i = 0; i < 4; i++)
        part[i] = load(data + (size_t)16 * i);
    part[0] = _mm_xor_si128(part[0], _mm_cvtsi32_si128((int)~crc));
    for (data += 64, len -= 64; len >= 64; data += 64, len -= 64)
        for (unsigned i = 0; i < 4; i++)
            part[i] = fold(part[i], by_512, load(data + (size_t)16 * i));
    for (unsigned i = 1; i < 4; i++)
        part[0] = fold(part[0], by_128, part[i]);
    for (; len > 0; data += 16, len -= 16)
        part[0] = fold(part[0], by_128, load(data));
    return ~reduce(part[0]);
}

bool crc_is_fast(void)
{
    return __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
}

#else

bool crc_is_fast(void)
{
    return false;
}

uint32_t crc_add(uint32_t crc, const uint8_t *data, size_t len)
{
    (void)data, (void)len;
    assert(!"crc_is_fast");
    return crc;
}

#endif
