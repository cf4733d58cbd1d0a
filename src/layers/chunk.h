/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_CHUNK_H
#define LADE_LAYERS_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Where the tar bytes of a layer are cut into chunks that are compressed alone: the rule chunk/1, frozen,
 * described in doc/formats.md. It knows names and sizes only, so the cuts are known before a byte is read, do
 * not depend on how many threads work, and a changed file moves none but those near it. Cuts are part of a
 * blob's bytes.
 */

#define CHUNK_ID "chunk/1"
#define CHUNK_MAX ((size_t)1 << 20)

/* An entry is the bytes of its headers and those of its content with the padding. One that fits into a chunk
 * is a unit, never cut. Of any other the headers are a unit (or cut, when they are larger than a chunk), and
 * the content is cut every CHUNK_MAX bytes from its beginning, sharing no chunk with anything else. */
bool chunk_holds_entry(uint64_t headers, uint64_t content);

/* A chunk has `len` bytes: does it end before a unit of `next` bytes that begins the entry named `name`? The
 * bytes that end a tar are a unit named "". */
bool chunk_ends_before(size_t len, uint64_t next, const char *name);

#endif
