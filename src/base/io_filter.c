/* SPDX-License-Identifier: Apache-2.0 */
#include "base/io.h"

#include "base/mem.h"
#include "base/stop.h"

#include <assert.h>
#include <inttypes.h>

/* Sources that watch over another source. Each has two tables of operations: one for what can be reopened. */

struct verify_source {
    struct source source;
    struct source *inner;
    struct digest want;
    struct hash *hash; /* NULL: no digest to check */
    uint64_t size;
    uint64_t at;  /* what was advanced over */
    size_t ahead; /* what is digested beyond that */
    bool verified;
    char *what;
};

static struct err *verify_result(struct verify_source *v)
{
    uint64_t total = v->at + v->ahead;

    if (v->verified)
        return NULL;
    if (v->size != UINT64_MAX && total != v->size)
        return err_new(ERR_INTEGRITY, "%s: ends after %" PRIu64 " bytes, expected %" PRIu64, v->what, total,
                       v->size);
    if (v->hash) {
        struct digest found = hash_value(v->hash);
        if (!digest_equal(&found, &v->want)) {
            char found_text[DIGEST_TEXT], want_text[DIGEST_TEXT];
            return err_new(ERR_INTEGRITY, "%s: the digest is %s, expected %s", v->what,
                           digest_text(&found, found_text), digest_text(&v->want, want_text));
        }
    }
    v->verified = true;
    return NULL;
}

static struct err *verify_peek(struct source *s, const uint8_t **data, size_t *len)
{
    struct verify_source *v = (struct verify_source *)s;
    const uint8_t *piece;
    size_t n;

    TRY(source_peek(v->inner, &piece, &n));
    if (n > v->ahead) {
        if (n > v->size - v->at)
            return err_new(ERR_INTEGRITY, "%s: has more than the expected %" PRIu64 " bytes", v->what,
                           v->size);
        if (v->hash)
            hash_add(v->hash, piece + v->ahead, n - v->ahead);
        v->ahead = n;
    }
    if (n == 0 || v->at + v->ahead == v->size)
        TRY(verify_result(v));
    *data = piece;
    *len = n;
    return NULL;
}

static void verify_advance(struct source *s, size_t len)
{
    struct verify_source *v = (struct verify_source *)s;

    assert(len <= v->ahead);
    v->at += len;
    v->ahead -= len;
    source_advance(v->inner, len);
}

static struct err *verify_reopen(struct source *s, uint64_t offset)
{
    struct verify_source *v = (struct verify_source *)s;

    TRY(source_reopen(v->inner, 0));
    if (v->hash)
        hash_reset(v->hash);
    v->at = 0;
    v->ahead = 0;
    v->verified = false;
    while (v->at < offset) {
        const uint8_t *data;
        size_t len;
        TRY(stop_check());
        TRY(verify_peek(s, &data, &len));
        if (len == 0)
            return err_new(ERR_INTERNAL, "%s: read again from byte %" PRIu64 " of %" PRIu64, v->what, offset,
                           v->at);
        verify_advance(s, len < offset - v->at ? len : (size_t)(offset - v->at));
    }
    return NULL;
}

static void verify_free(struct source *s)
{
    struct verify_source *v = (struct verify_source *)s;
    source_free(v->inner);
    hash_free(v->hash);
    free(v->what);
    free(v);
}

static const struct source_ops verify_ops = {
    .peek = verify_peek, .advance = verify_advance, .free = verify_free};
static const struct source_ops verify_reopen_ops = {
    .peek = verify_peek,
    .advance = verify_advance,
    .reopen = verify_reopen,
    .free = verify_free,
};

struct source *source_verify(struct source *inner, const struct digest *want, uint64_t size, const char *what)
{
    struct verify_source *v = mem_zero(1, sizeof *v);

    v->source.ops = source_can_reopen(inner) ? &verify_reopen_ops : &verify_ops;
    v->inner = inner;
    v->size = size;
    v->what = mem_strdup(what);
    if (want && digest_is_set(want)) {
        v->want = *want;
        v->hash = hash_new(want->alg);
    }
    return &v->source;
}

struct limit_source {
    struct source source;
    struct source *inner;
    uint64_t max;
    uint64_t at;
    char *what;
};

static struct err *limit_peek(struct source *s, const uint8_t **data, size_t *len)
{
    struct limit_source *l = (struct limit_source *)s;
    uint64_t left = l->max - l->at;
    size_t n;

    TRY(source_peek(l->inner, data, &n));
    if (n > 0 && left == 0)
        return err_new(ERR_RESOURCE, "%s is larger than %" PRIu64 " bytes", l->what, l->max);
    *len = n < left ? n : (size_t)left;
    return NULL;
}

static void limit_advance(struct source *s, size_t len)
{
    struct limit_source *l = (struct limit_source *)s;
    l->at += len;
    source_advance(l->inner, len);
}

static struct err *limit_reopen(struct source *s, uint64_t offset)
{
    struct limit_source *l = (struct limit_source *)s;

    if (offset > l->max)
        return err_new(ERR_RESOURCE, "%s is larger than %" PRIu64 " bytes", l->what, l->max);
    TRY(source_reopen(l->inner, offset));
    l->at = offset;
    return NULL;
}

static void limit_free(struct source *s)
{
    struct limit_source *l = (struct limit_source *)s;
    source_free(l->inner);
    free(l->what);
    free(l);
}

static const struct source_ops limit_ops = {.peek = limit_peek, .advance = limit_advance, .free = limit_free};
static const struct source_ops limit_reopen_ops = {
    .peek = limit_peek,
    .advance = limit_advance,
    .reopen = limit_reopen,
    .free = limit_free,
};

struct source *source_limit(struct source *inner, uint64_t max, const char *what)
{
    struct limit_source *l = mem_zero(1, sizeof *l);

    l->source.ops = source_can_reopen(inner) ? &limit_reopen_ops : &limit_ops;
    l->inner = inner;
    l->max = max;
    l->what = mem_strdup(what);
    return &l->source;
}

struct watch_source {
    struct source source;
    struct source *inner;
    void (*seen)(void *ctx, const uint8_t *data, size_t len);
    void *ctx;
    const uint8_t *next; /* what was given out last */
};

static struct err *watch_peek(struct source *s, const uint8_t **data, size_t *len)
{
    struct watch_source *w = (struct watch_source *)s;

    TRY(source_peek(w->inner, data, len));
    w->next = *data;
    return NULL;
}

static void watch_advance(struct source *s, size_t len)
{
    struct watch_source *w = (struct watch_source *)s;

    if (len == 0)
        return;
    w->seen(w->ctx, w->next, len);
    w->next += len;
    source_advance(w->inner, len);
}

static struct err *watch_reopen(struct source *s, uint64_t offset)
{
    return source_reopen(((struct watch_source *)s)->inner, offset);
}

static void watch_free(struct source *s)
{
    source_free(((struct watch_source *)s)->inner);
    free(s);
}

static const struct source_ops watch_ops = {.peek = watch_peek, .advance = watch_advance, .free = watch_free};
static const struct source_ops watch_reopen_ops = {
    .peek = watch_peek,
    .advance = watch_advance,
    .reopen = watch_reopen,
    .free = watch_free,
};

struct source *source_watch(struct source *inner, void (*seen)(void *ctx, const uint8_t *data, size_t len),
                            void *ctx)
{
    struct watch_source *w = mem_zero(1, sizeof *w);

    w->source.ops = source_can_reopen(inner) ? &watch_reopen_ops : &watch_ops;
    w->inner = inner;
    w->seen = seen;
    w->ctx = ctx;
    return &w->source;
}

struct borrow_source {
    struct source source;
    struct source *inner;
};

static struct err *borrow_peek(struct source *s, const uint8_t **data, size_t *len)
{
    return source_peek(((struct borrow_source *)s)->inner, data, len);
}

static void borrow_advance(struct source *s, size_t len)
{
    source_advance(((struct borrow_source *)s)->inner, len);
}

static struct err *borrow_reopen(struct source *s, uint64_t offset)
{
    return source_reopen(((struct borrow_source *)s)->inner, offset);
}

static void borrow_free(struct source *s)
{
    free(s);
}

static const struct source_ops borrow_ops = {
    .peek = borrow_peek, .advance = borrow_advance, .free = borrow_free};
static const struct source_ops borrow_reopen_ops = {
    .peek = borrow_peek,
    .advance = borrow_advance,
    .reopen = borrow_reopen,
    .free = borrow_free,
};

struct source *source_borrow(struct source *inner)
{
    struct borrow_source *b = mem_zero(1, sizeof *b);

    b->source.ops = source_can_reopen(inner) ? &borrow_reopen_ops : &borrow_ops;
    b->inner = inner;
    return &b->source;
}
