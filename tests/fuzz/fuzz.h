/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_TESTS_FUZZ_H
#define LADE_TESTS_FUZZ_H

#include "base/err.h"
#include "base/io.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What libFuzzer and replay.c call, one in each target. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold, in builds without assertions too. */
#define fuzz_need(holds)                                                               \
    do {                                                                               \
        if (!(holds)) {                                                                \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #holds); \
            abort();                                                                   \
        }                                                                              \
    } while (0)

#define fuzz_ok(call) fuzz_ok_at((call), __FILE__, __LINE__)
static inline void fuzz_ok_at(struct err *e, const char *file, int line)
{
    if (!e)
        return;
    fprintf(stderr, "%s:%d: %s\n", file, line, err_message(e));
    abort();
}

/* Refusing is a good answer, when it says why and does not blame lade. */
static inline bool fuzz_refused(struct err *e)
{
    if (!e)
        return false;
    fuzz_need(*err_message(e));
    fuzz_need(err_kind_of(e) != ERR_INTERNAL);
    err_free(e);
    return true;
}

/* The input as numbers and texts; zeros behind its end. */
struct fuzz_in {
    const uint8_t *at;
    size_t left;
};

static inline uint8_t fuzz_byte(struct fuzz_in *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->at++;
}

static inline uint64_t fuzz_number(struct fuzz_in *in, unsigned bytes)
{
    uint64_t value = 0;

    while (bytes-- > 0)
        value = value << 8 | fuzz_byte(in);
    return value;
}

/* At most `len` bytes of the input; *got of them. */
static inline const uint8_t *fuzz_bytes(struct fuzz_in *in, size_t len, size_t *got)
{
    const uint8_t *start = in->at;

    *got = len < in->left ? len : in->left;
    in->at += *got;
    in->left -= *got;
    return start;
}

/* The bytes in pieces of 1, 2, … bytes: nobody may depend on how a stream is cut. */
struct fuzz_drip {
    struct source source;
    const uint8_t *data;
    size_t left, piece;
};

static inline struct err *fuzz_drip_peek(struct source *s, const uint8_t **data, size_t *len)
{
    struct fuzz_drip *d = (struct fuzz_drip *)s;

    *data = d->data;
    *len = d->piece < d->left ? d->piece : d->left;
    return NULL;
}

static inline void fuzz_drip_advance(struct source *s, size_t len)
{
    struct fuzz_drip *d = (struct fuzz_drip *)s;

    fuzz_need(len <= d->left);
    d->data += len;
    d->left -= len;
    d->piece = d->piece % 700 + 1;
}

static inline void fuzz_drip_free(struct source *s)
{
    free(s);
}

static inline struct source *fuzz_drip(const uint8_t *data, size_t len)
{
    static const struct source_ops ops = {
        .peek = fuzz_drip_peek, .advance = fuzz_drip_advance, .free = fuzz_drip_free};
    struct fuzz_drip *d = calloc(1, sizeof *d);

    fuzz_need(d);
    *d = (struct fuzz_drip){.source = {.ops = &ops}, .data = data, .left = len, .piece = 1};
    return &d->source;
}

#endif
