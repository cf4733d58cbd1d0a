/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "registry/client.h"
#include "registry/http_head.h"
#include "registry/resume.h"
#include "registry/transfer.h"

struct incoming {
    struct resume resume;
    struct transfer_download from;
};

static struct err *refused(const struct transfer_download *from, struct http_reply *reply)
{
    struct transfer_reply r = {.status = reply->status, .body = BUF(TRANSFER_BODY_MAX)};
    strmap_copy(&r.headers, &reply->headers);
    client_read_some(reply, &r.body);
    struct err *e =
        from->refusal ? from->refusal(from->ctx, &r) : transfer_refusal(from->what, r.status, NULL, NULL);
    transfer_reply_wipe(&r);
    return e;
}

/* The reply to a request from `at` on: is this what was asked for? */
static struct err *check_reply(const struct incoming *g, struct http_reply *reply, uint64_t *begins)
{
    uint64_t value = 0;
    *begins = reply->status == 206 ? g->resume.at : 0;
    if (reply->status == 206 && g->resume.at > 0) {
        if (http_head_range_start(&reply->headers, &value) && value == g->resume.at)
            return NULL;
        return err_new(ERR_INTEGRITY, "%s: the reply begins at another place than asked for", g->from.what);
    }
    if (reply->status != 200)
        return refused(&g->from, reply);
    if (http_head_length(&reply->headers, &value) && value != g->from.size)
        return err_new(ERR_INTEGRITY, "%s has %llu bytes, expected %llu", g->from.what,
                       (unsigned long long)value, (unsigned long long)g->from.size);
    return NULL;
}

static struct err *incoming_ask(struct resume *r, struct source **body, uint64_t *begins, unsigned *asked_ms)
{
    struct incoming *g = (struct incoming *)r;
    AUTO(mem_free) char *range = resume_range(r);
    AUTO_VALUE(http_reply_wipe) struct http_reply reply = {0};
    struct transfer_request q = {.method = "GET", .compose = g->from.compose, .ctx = g->from.ctx};
    TRY(transfer_once(&reply, g->from.transfer, &q, range));
    TRY(transfer_passing(g->from.transfer, &reply, g->from.what, asked_ms));
    TRY(check_reply(g, &reply, begins));
    *body = TAKE(reply.body);
    return NULL;
}

static void incoming_free(struct resume *r)
{
    struct incoming *g = (struct incoming *)r;
    g->from.free(g->from.ctx);
    mem_free(g);
}

struct err *transfer_get(const struct transfer_download *d, struct source **out)
{
    struct incoming *g = mem_zero(1, sizeof *g);
    AUTO(source_free) struct source *made = &g->resume.source;
    g->from = *d;
    g->resume = (struct resume){.ask = incoming_ask,
                                .free = incoming_free,
                                .what = d->what,
                                .policy = &d->transfer->retry,
                                .pace = d->transfer->pace,
                                .size = d->size};
    TRY(resume_init(&g->resume));
    struct err *e;
    unsigned asked_ms;
    do
        e = resume_ask(&g->resume, &asked_ms);
    while (retry_again(&g->resume.retry, &e, asked_ms));
    if (!e)
        *out = TAKE(made);
    return e;
}
