/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "registry/client.h"
#include "registry/http_head.h"
#include "registry/transfer.h"

/* Progress that makes a break a new one, not the last one again. */
#define PROGRESS_BYTES (1u << 20)

/* A blob on its way. */
struct incoming {
    struct source source;
    struct transfer_download from;
    struct http_reply reply; /* its body, while there is one */
    uint64_t at;             /* bytes given to the reader */
    uint64_t begun;          /* `at` when the connection was made */
    struct retry retry;
    unsigned asked_ms;
    bool inside; /* it has a place among the blobs that are read */
};

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

static struct err *refused(struct incoming *g)
{
    struct transfer_reply r = {.status = g->reply.status, .body = BUF(TRANSFER_BODY_MAX)};
    strmap_copy(&r.headers, &g->reply.headers);
    client_read_some(&g->reply, &r.body);
    struct err *e = g->from.refusal ? g->from.refusal(g->from.ctx, &r)
                                    : transfer_refusal(g->from.what, r.status, NULL, NULL);
    transfer_reply_wipe(&r);
    return e;
}

/* The reply to a request from `at` on: is this what was asked for? */
static struct err *check_reply(struct incoming *g)
{
    uint64_t value = 0;
    if (g->reply.status == 206 && g->at > 0) {
        if (http_head_range_start(&g->reply.headers, &value) && value == g->at)
            return NULL;
        return err_new(ERR_INTEGRITY, "%s: the reply begins at another place than asked for", g->from.what);
    }
    if (g->reply.status != 200)
        return refused(g);
    if (http_head_length(&g->reply.headers, &value) && value != g->from.size)
        return err_new(ERR_INTEGRITY, "%s has %llu bytes, expected %llu", g->from.what,
                       (unsigned long long)value, (unsigned long long)g->from.size);
    return skip(g->reply.body, g->at);
}

static struct err *ask(struct incoming *g)
{
    AUTO(mem_free)
    char *range = g->at > 0 ? mem_printf("Range: bytes=%llu-", (unsigned long long)g->at) : NULL;
    struct transfer_request q = {.method = "GET", .compose = g->from.compose, .ctx = g->from.ctx};
    g->asked_ms = 0;
    http_reply_wipe(&g->reply);
    struct err *e = transfer_once(&g->reply, g->from.transfer, &q, range);
    if (!e)
        e = transfer_passing(g->from.transfer, &g->reply, g->from.what, &g->asked_ms);
    if (!e)
        e = check_reply(g);
    if (e)
        http_reply_wipe(&g->reply);
    g->begun = g->at;
    return e;
}

static struct err *give(struct incoming *g, const uint8_t **data, size_t *len)
{
    if (!g->reply.body)
        TRY(ask(g));
    struct err *e = source_peek(g->reply.body, data, len);
    /* Nothing more is wanted: what the end of the reply is like makes no difference. */
    if (e && g->at >= g->from.size && g->at > 0) {
        err_free(e);
        *len = 0;
        return NULL;
    }
    if (e)
        return e;
    if (*len == 0 && g->at < g->from.size)
        return err_new(ERR_NETWORK, "%s ends after %llu of %llu bytes", g->from.what,
                       (unsigned long long)g->at, (unsigned long long)g->from.size);
    return NULL;
}

static struct err *incoming_peek(struct source *s, const uint8_t **data, size_t *len)
{
    struct incoming *g = (struct incoming *)s;
    struct err *e;
    do {
        g->asked_ms = 0;
        e = give(g, data, len);
        if (e) {
            http_reply_wipe(&g->reply);
            if (g->at - g->begun >= PROGRESS_BYTES)
                retry_begin(&g->retry, &g->from.transfer->retry);
            g->begun = g->at;
        }
    } while (retry_again(&g->retry, &e, g->asked_ms));
    return e;
}

static void incoming_advance(struct source *s, size_t len)
{
    struct incoming *g = (struct incoming *)s;
    g->at += len;
    source_advance(g->reply.body, len);
}

static struct err *incoming_reopen(struct source *s, uint64_t offset)
{
    struct incoming *g = (struct incoming *)s;
    http_reply_wipe(&g->reply);
    g->at = g->begun = offset;
    retry_begin(&g->retry, &g->from.transfer->retry);
    return NULL;
}

static void incoming_free(struct source *s)
{
    struct incoming *g = (struct incoming *)s;
    http_reply_wipe(&g->reply);
    if (g->inside)
        pace_leave(g->from.transfer->pace, PACE_READ);
    g->from.free(g->from.ctx);
    mem_free(g);
}

static const struct source_ops incoming_ops = {
    .peek = incoming_peek, .advance = incoming_advance, .reopen = incoming_reopen, .free = incoming_free};

struct err *transfer_get(const struct transfer_download *d, struct source **out)
{
    struct incoming *g = mem_zero(1, sizeof *g);
    AUTO(source_free) struct source *made = &g->source;
    g->source.ops = &incoming_ops;
    g->from = *d;
    retry_begin(&g->retry, &d->transfer->retry);
    TRY(pace_enter(d->transfer->pace, PACE_READ));
    g->inside = true;
    /* Absence is told now, not at the first read. */
    struct err *e;
    do
        e = ask(g);
    while (retry_again(&g->retry, &e, g->asked_ms));
    if (!e)
        *out = TAKE(made);
    return e;
}
