/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/chunk.h"

#define MIN_LEN ((size_t)256 << 10)
#define ONE_OF 32

/* FNV-1a, 64 bits, mixed: its lowest bits alone are weak. */
static uint64_t name_hash(const char *name)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (const unsigned char *c = (const unsigned char *)name; *c; c++)
        hash = (hash ^ *c) * UINT64_C(0x100000001b3);
    hash = (hash ^ hash >> 33) * UINT64_C(0xff51afd7ed558ccd);
    return hash ^ hash >> 33;
}

bool chunk_holds_entry(uint64_t headers, uint64_t content)
{
    return headers <= CHUNK_MAX && content <= CHUNK_MAX - headers;
}

bool chunk_ends_before(size_t len, uint64_t next, const char *name)
{
    if (len == 0)
        return false;
    if (next > CHUNK_MAX - len)
        return true;
    return len >= MIN_LEN && name_hash(name) % ONE_OF == 0;
}
