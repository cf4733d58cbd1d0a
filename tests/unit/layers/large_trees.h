/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_TESTS_LARGE_TREES_H
#define LADE_TESTS_LARGE_TREES_H

#include "golden_trees.h"
#include "layers/chunk.h"

#include <stdio.h>

/* Trees that take several chunks. */

/* A file of `size` bytes that are not all the same. */
static inline struct node *plant_bytes(struct tree *t, const char *path, size_t size)
{
    AUTO(mem_free) char *bytes = mem_alloc(size);
    struct node *n = plant(t, path, NODE_FILE, 0644);
    uint32_t at = (uint32_t)size;

    for (size_t i = 0; i < size; i++) {
        at = at * 1664525u + 1013904223u;
        bytes[i] = (char)(i % 16 < 12 ? 'a' + i % 7 : at >> 24);
    }
    n->size = size;
    n->content = (struct content){.kind = CONTENT_MEM, .mem = tree_strdup(t, bytes, size)};
    return n;
}

/* Small files, files about the size of a chunk, large ones, headers larger than a chunk. */
static inline void plant_much(struct tree *t)
{
    static const size_t sizes[] = {
        CHUNK_MAX - 1025,
        CHUNK_MAX - 1024,
        CHUNK_MAX - 512,
        CHUNK_MAX - 511,
        CHUNK_MAX,
        CHUNK_MAX + 1,
        CHUNK_MAX * 3,
        CHUNK_MAX * 2 - 1,
        0,
        1,
    };
    char path[64];

    for (unsigned i = 0; i < 300; i++) {
        snprintf(path, sizeof path, "small/%u/file", i);
        plant_bytes(t, path, i * 37 % 9000);
    }
    for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
        snprintf(path, sizeof path, "large/%02u", i);
        plant_bytes(t, path, sizes[i]);
    }
    AUTO(mem_free) char *value = repeat("x", 60000, "");
    struct node *n = plant_bytes(t, "wide", 100);
    for (unsigned i = 0; i < 17; i++) {
        snprintf(path, sizeof path, "user.%02u", i);
        node_set_xattr(t, n, path, value, 60000);
    }
}

#endif
