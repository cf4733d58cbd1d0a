/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/transfer.h"
#include "base/mem.h"
#include "registry/address.h"
#include "registry/client.h"
#include "registry/upload_body.h"

#include <string.h>

/* After a 429 or a 503 that does not say how long. */
#define PAUSE_MS 1000
#define MESSAGE_MAX 300

struct err *transfer_open(struct transfer *out, const char *host, const struct transfer_options *options)
{
    out->retry = (struct retry_policy){.tries = options->tries ? options->tries : RETRY_TRIES,
                                       .budget_ms = options->budget_ms ? options->budget_ms : RETRY_BUDGET_MS,
                                       .events = options->events};
    TRY(tls_find(&out->tls, host, NULL));
    out->pace = pace_new(0, PACE_READS, PACE_WRITES);
    struct http_settings settings = {.tls = &out->tls, .counts = &out->counts};
    out->pool = http_pool_new(&settings);
    settings.direct = true;
    out->direct = http_pool_new(&settings);
    return NULL;
}

void transfer_close(struct transfer *t)
{
    http_pool_free(t->pool);
    http_pool_free(t->direct);
    if (t->pace)
        pace_free(t->pace);
    tls_wipe(&t->tls);
}

static void wipe_parts(struct transfer_parts *p)
{
    url_wipe(&p->url);
    for (size_t i = 0; i < p->headers.count; i++)
        mem_wipe(p->headers.item[i], strlen(p->headers.item[i]));
    strlist_wipe(&p->headers);
    if (p->authorization)
        mem_wipe(p->authorization, strlen(p->authorization));
    mem_free(p->authorization);
}

struct err *transfer_once(struct http_reply *out, struct transfer *t, const struct transfer_request *q,
                          const char *range)
{
    AUTO_VALUE(wipe_parts) struct transfer_parts parts = {0};
    TRY(pace_wait(t->pace));
    TRY(q->compose(q->ctx, &parts));
    if (range)
        strlist_add(&parts.headers, range);
    struct http_request one = {.method = q->method,
                               .url = &parts.url,
                               .headers = &parts.headers,
                               .authorization = parts.authorization,
                               .body = q->body,
                               .body_size = q->body_size,
                               .sends = q->sends};
    bool loopback = address_is_loopback_host(parts.url.host);
    return http_send(out, loopback ? t->direct : t->pool, &one);
}

struct err *transfer_refusal(const char *what, int status, const char *code, const char *message)
{
    AUTO(mem_free) char *first = mem_strndup(message ? message : "", message ? strcspn(message, "\r\n") : 0);
    AUTO(mem_free) char *said = str_escape(first, strlen(first), MESSAGE_MAX);
    AUTO(mem_free) char *shown = str_safe(code ? code : "");
    return err_http(status, "%s: HTTP %d%s%s%s%s", what, status, *shown ? " " : "", shown, *said ? ": " : "",
                    said);
}

struct err *transfer_passing(struct transfer *t, const struct http_reply *r, const char *what,
                             unsigned *asked_ms)
{
    if (!client_status_passes(r->status))
        return NULL;
    *asked_ms = client_asked_ms(&r->headers);
    bool too_much = r->status == 429 || r->status == 503;
    /* Whoever cannot wait so long fails, and keeps nobody else waiting. */
    if ((too_much || *asked_ms) && *asked_ms <= t->retry.budget_ms)
        pace_pause(t->pace, *asked_ms ? *asked_ms : PAUSE_MS);
    return transfer_refusal(what, r->status, NULL, NULL);
}

static struct err *attempt(struct transfer_reply *out, struct transfer *t, const struct transfer_request *q,
                           unsigned *asked_ms)
{
    AUTO_VALUE(http_reply_wipe) struct http_reply r = {0};
    *asked_ms = 0;
    transfer_reply_wipe(out);
    TRY(transfer_once(&r, t, q, NULL));
    TRY(transfer_passing(t, &r, q->what, asked_ms));
    out->status = r.status;
    strmap_copy(&out->headers, &r.headers);
    out->body = BUF(TRANSFER_BODY_MAX);
    if (r.status < 300)
        return source_read_all(r.body, &out->body, "the answer");
    client_read_some(&r, &out->body);
    return NULL;
}

struct err *transfer_send(struct transfer_reply *out, struct transfer *t, const struct transfer_request *q)
{
    struct retry retry;
    struct err *e;
    unsigned asked_ms = 0;
    struct upload_body body;
    struct transfer_request each = *q;
    if (q->body) {
        upload_body_init(&body, q->body);
        body.at = q->body_begin;
        each.body = &body.source;
    }
    *out = (struct transfer_reply){0};
    retry_begin(&retry, &t->retry);
    do {
        e = q->body ? upload_body_set(&body, q->body_begin) : NULL;
        if (!e)
            e = attempt(out, t, &each, &asked_ms);
        /* Our own data fail, or cannot be read again. */
        if (e && q->body && (body.failed || !upload_body_can(&body, q->body_begin)))
            break;
    } while (!q->once && retry_again(&retry, &e, asked_ms));
    if (e)
        transfer_reply_wipe(out);
    return e;
}

void transfer_reply_wipe(struct transfer_reply *r)
{
    strmap_wipe(&r->headers);
    if (r->body.data)
        mem_wipe(r->body.data, r->body.len);
    buf_wipe(&r->body);
    *r = (struct transfer_reply){0};
}
