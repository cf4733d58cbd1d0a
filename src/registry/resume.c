/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/resume.h"
#include "base/mem.h"

/* Progress that makes a break a new one, not the last one again. */
#define PROGRESS_BYTES (1u << 20)

static struct err *skip(struct source *body, uint64_t bytes)
{
    while (bytes > 0) {
        const uint8_t *data;
        size_t len;
        TRY(source_peek(body, &data, &len));
        if (len == 0)
            return err_new(ERR_NETWORK, "the data ends early");
        size_t step = len < bytes ? len : (size_t)bytes;
        source_advance(body, step);
        bytes -= step;
    }
    return NULL;
}

static void drop(struct resume *r)
{
    source_free(r->body);
    r->body = NULL;
    r->begun = r->at;
}

struct err *resume_ask(struct resume *r, unsigned *asked_ms)
{
    AUTO(source_free) struct source *body = NULL;
    uint64_t begins = 0;
    *asked_ms = 0;
    drop(r);
    TRY(r->ask(r, &body, &begins, asked_ms));
    TRY(skip(body, r->at - begins));
    r->body = TAKE(body);
    return NULL;
}

char *resume_range(const struct resume *r)
{
    return r->at > 0 ? mem_printf("Range: bytes=%llu-", (unsigned long long)r->at) : NULL;
}

static struct err *give(struct resume *r, const uint8_t **data, size_t *len, unsigned *asked_ms)
{
    if (!r->body)
        TRY(resume_ask(r, asked_ms));
    struct err *e = source_peek(r->body, data, len);
    /* Nothing more is wanted: what the end of the reply is like makes no difference. */
    if (e && r->at >= r->size && r->at > 0) {
        err_free(e);
        *len = 0;
        return NULL;
    }
    if (!e && *len == 0 && r->at < r->size)
        return err_new(ERR_NETWORK, "%s ends after %llu of %llu bytes", r->what, (unsigned long long)r->at,
                       (unsigned long long)r->size);
    return e;
}

static struct err *resume_peek(struct source *s, const uint8_t **data, size_t *len)
{
    struct resume *r = (struct resume *)s;
    struct err *e;
    unsigned asked_ms;
    do {
        asked_ms = 0;
        e = give(r, data, len, &asked_ms);
        if (e && r->at - r->begun >= PROGRESS_BYTES)
            retry_begin(&r->retry, r->policy);
        if (e)
            drop(r);
    } while (retry_again(&r->retry, &e, asked_ms));
    return e;
}

static void resume_advance(struct source *s, size_t len)
{
    struct resume *r = (struct resume *)s;
    r->at += len;
    source_advance(r->body, len);
}

static struct err *resume_reopen(struct source *s, uint64_t offset)
{
    struct resume *r = (struct resume *)s;
    r->at = offset;
    drop(r);
    retry_begin(&r->retry, r->policy);
    return NULL;
}

static void resume_free(struct source *s)
{
    struct resume *r = (struct resume *)s;
    drop(r);
    if (r->inside)
        pace_leave(r->pace, PACE_READ);
    r->free(r);
}

static const struct source_ops resume_ops = {
    .peek = resume_peek, .advance = resume_advance, .reopen = resume_reopen, .free = resume_free};

struct err *resume_init(struct resume *r)
{
    r->source.ops = &resume_ops;
    retry_begin(&r->retry, r->policy);
    TRY(pace_enter(r->pace, PACE_READ));
    r->inside = true;
    return NULL;
}
