/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_TESTS_TARMAKE_H
#define LADE_TESTS_TARMAKE_H

#include "base/buf.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/*
 * Tars made byte by byte for tests, broken ones too. A header is written with a right checksum; tar_patch
 * changes bytes of the header written last and mends the checksum.
 */
#define TAR_BLOCK 512

static inline void tar_checksum(struct buf *b, size_t header)
{
    uint8_t *h = (uint8_t *)b->data + header;
    unsigned sum = 0;

    memset(h + 148, ' ', 8);
    for (size_t i = 0; i < TAR_BLOCK; i++)
        sum += h[i];
    snprintf((char *)h + 148, 8, "%06o", sum);
}

/* `size` is what the header says. */
static inline size_t tar_header(struct buf *b, const char *name, char type, uint64_t size, const char *link)
{
    uint8_t h[TAR_BLOCK] = {0};
    size_t at = b->len;

    memcpy(h, name, strnlen(name, 100));
    memcpy(h + 100, "0000644", 7);
    memcpy(h + 108, "0000000", 7);
    memcpy(h + 116, "0000000", 7);
    for (int i = 10; i >= 0; i--, size >>= 3)
        h[124 + i] = (uint8_t)('0' + (size & 7));
    memcpy(h + 136, "00000000017", 11);
    h[156] = (uint8_t)type;
    if (link)
        memcpy(h + 157, link, strnlen(link, 100));
    memcpy(h + 257, "ustar\00000", 8);
    buf_add(b, h, sizeof h);
    tar_checksum(b, at);
    return at;
}

static inline void tar_patch(struct buf *b, size_t header, size_t at, const void *bytes, size_t len)
{
    memcpy(b->data + header + at, bytes, len);
    tar_checksum(b, header);
}

static inline void tar_data(struct buf *b, const void *data, size_t len)
{
    static const char zeros[TAR_BLOCK];

    buf_add(b, data, len);
    buf_add(b, zeros, (TAR_BLOCK - len % TAR_BLOCK) % TAR_BLOCK);
}

static inline void tar_file(struct buf *b, const char *name, const char *text)
{
    tar_header(b, name, '0', strlen(text), NULL);
    tar_data(b, text, strlen(text));
}

static inline void tar_dir(struct buf *b, const char *name)
{
    tar_header(b, name, '5', 0, NULL);
}

static inline void tar_link(struct buf *b, const char *name, char type, const char *target)
{
    tar_header(b, name, type, 0, target);
}

/* A pax header ('x' or 'g') or a GNU long name ('L', 'K') with this body. */
static inline void tar_extended(struct buf *b, char type, const void *body, size_t len)
{
    tar_header(b, "extended", type, len, NULL);
    tar_data(b, body, len);
}

/* One record "LEN key=value\n" appended to `body`. */
static inline void tar_record(struct buf *body, const char *key, const void *value, size_t value_len)
{
    size_t rest = strlen(key) + value_len + 3; /* space, =, newline */
    size_t len = rest + 1;
    char text[24];

    while ((size_t)snprintf(text, sizeof text, "%zu", len) + rest != len)
        len++;
    buf_printf(body, "%zu %s=", len, key);
    buf_add(body, value, value_len);
    buf_byte(body, '\n');
}

/* A pax header with one record. */
static inline void tar_pax(struct buf *b, const char *key, const char *value)
{
    struct buf body = BUF(BUF_NO_LIMIT);

    tar_record(&body, key, value, strlen(value));
    tar_extended(b, 'x', body.data, body.len);
    buf_wipe(&body);
}

static inline void tar_end(struct buf *b)
{
    static const char zeros[2 * TAR_BLOCK];
    buf_add(b, zeros, sizeof zeros);
}

#endif
