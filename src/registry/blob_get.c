/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/str.h"
#include "registry/blob.h"
#include "registry/client.h"
#include "registry/http_head.h"

/* Progress that makes a break a new one, not the last one again. */
#define PROGRESS_BYTES (1u << 20)

/* A blob on its way. When the connection breaks, the rest is asked for anew, at the registry: what it
 * redirected to may be signed for a short time only. */
struct download {
    struct source source;
    struct repo repo;
    struct desc desc;
    struct client_reply reply; /* its body, while there is one */
    uint64_t at;               /* bytes given to the reader */
    bool whole;                /* ask for all of it, and skip: its ranges are not what was asked for */
    bool decode;               /* something on the way encodes it, whatever was asked for */
    bool odd;                  /* its length was not what it should be, once */
    uint64_t begun;            /* `at` when the connection was made */
    struct retry retry;
    bool inside; /* it has a place among the blobs that are read from the host */
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

/* A proxy may encode what it passes on. Some stores say so of compressed layers that are as they should be:
 * then the length is right. *again: it has to be asked for in another way. */
static struct err *check_encoding(struct download *g, const char *shown, bool *again)
{
    const char *encoding = strmap_get(&g->reply.headers, "content-encoding");
    uint64_t len = 0;
    *again = false;
    if (str_empty(encoding) || str_eq_nocase(encoding, "identity"))
        return NULL;
    if (!g->decode && g->reply.status == 200 && http_head_length(&g->reply.headers, &len) &&
        len == g->desc.size)
        return NULL;
    if (g->decode && g->reply.status == 200)
        return NULL;
    if (g->decode) {
        AUTO(mem_free) char *safe = str_safe(encoding);
        return err_new(ERR_UNSUPPORTED, "GET %s: something on the way encodes parts of it (%s)", shown, safe);
    }
    g->decode = g->whole = *again = true;
    return NULL;
}

/* A proxy may have cut one answer; a second one like it is the registry's. */
static struct err *wrong_length(struct download *g, const char *shown, uint64_t bytes)
{
    bool again = g->odd;
    g->odd = true;
    return err_new(again ? ERR_INTEGRITY : ERR_NETWORK, "GET %s: the registry has %llu bytes, expected %llu",
                   shown, (unsigned long long)bytes, (unsigned long long)g->desc.size);
}

/* The reply to a request from `at` on: is this what was asked for? */
static struct err *check_reply(struct download *g, const struct client_request *q)
{
    const struct client_reply *reply = &g->reply;
    AUTO(mem_free) char *shown = url_shown(&reply->url);
    uint64_t value = 0;
    if (reply->status == 200) {
        if (!g->decode && http_head_length(&reply->headers, &value) && value != g->desc.size)
            return wrong_length(g, shown, value);
        return skip(reply->http.body, g->at);
    }
    if (reply->status == 416 && g->at > 0 && !g->whole) {
        g->whole = true;
        return err_as(client_unexpected(g->repo.host, q, reply), ERR_NETWORK);
    }
    if (reply->status != 206 || g->at == 0)
        return client_unexpected(g->repo.host, q, reply);
    if (http_head_range_start(&reply->headers, &value) && value == g->at)
        return NULL;
    g->whole = true;
    return err_new(ERR_NETWORK, "GET %s: the reply begins at another place than asked for", shown);
}

/* `once`: whoever calls tries again. *again: not like this. */
static struct err *ask_in_one_way(struct download *g, bool once, bool *again)
{
    char text[DIGEST_TEXT];
    AUTO_VALUE(url_wipe) struct url u = {0};
    AUTO_VALUE(strlist_wipe) struct strlist headers = {0};
    TRY(host_url(g->repo.host, &u, "/v2/%s/blobs/%s", g->repo.name, digest_text(&g->desc.digest, text)));
    if (g->at > 0 && !g->whole)
        strlist_add_take(&headers, mem_printf("Range: bytes=%llu-", (unsigned long long)g->at));
    struct client_request q = {.method = "GET",
                               .url = &u,
                               .want = {.repository = g->repo.name, .push = g->repo.push},
                               .headers = &headers,
                               .once = once,
                               .decode = g->decode,
                               .stream = true};
    client_reply_wipe(&g->reply);
    TRY(client_send(&g->reply, g->repo.host, &q));
    g->begun = g->at;
    AUTO(mem_free) char *shown = url_shown(&g->reply.url);
    struct err *e = check_encoding(g, shown, again);
    if (!e && !*again)
        e = check_reply(g, &q);
    if (e || *again)
        client_reply_wipe(&g->reply);
    return e;
}

static struct err *ask(struct download *g, bool once)
{
    bool again;
    TRY(ask_in_one_way(g, once, &again));
    return again ? ask_in_one_way(g, once, &again) : NULL;
}

static struct err *give(struct download *g, const uint8_t **data, size_t *len)
{
    if (!g->reply.http.body)
        TRY(ask(g, true));
    struct err *e = source_peek(g->reply.http.body, data, len);
    /* Nothing more is wanted: what the end of the reply is like makes no difference. */
    if (e && g->at >= g->desc.size && g->at > 0) {
        err_free(e);
        *len = 0;
        return NULL;
    }
    if (e)
        return e;
    if (*len == 0 && g->at < g->desc.size)
        return err_new(ERR_NETWORK, "the data ends after %llu of %llu bytes", (unsigned long long)g->at,
                       (unsigned long long)g->desc.size);
    return NULL;
}

static struct err *download_peek(struct source *s, const uint8_t **data, size_t *len)
{
    struct download *g = (struct download *)s;
    struct err *e;
    do {
        e = give(g, data, len);
        if (e) {
            client_reply_wipe(&g->reply);
            if (g->at - g->begun >= PROGRESS_BYTES)
                retry_begin(&g->retry, &g->repo.host->retry);
            g->begun = g->at;
        }
    } while (client_retry(g->repo.host, &g->retry, &e, 0));
    return e;
}

static void download_advance(struct source *s, size_t len)
{
    struct download *g = (struct download *)s;
    g->at += len;
    source_advance(g->reply.http.body, len);
}

static struct err *download_reopen(struct source *s, uint64_t offset)
{
    struct download *g = (struct download *)s;
    client_reply_wipe(&g->reply);
    g->at = g->begun = offset;
    retry_begin(&g->retry, &g->repo.host->retry);
    return NULL;
}

static void download_free(struct source *s)
{
    struct download *g = (struct download *)s;
    client_reply_wipe(&g->reply);
    if (g->inside)
        pace_leave(g->repo.host->pace, PACE_READ);
    desc_wipe(&g->desc);
    mem_free(g);
}

static const struct source_ops download_ops = {
    .peek = download_peek, .advance = download_advance, .reopen = download_reopen, .free = download_free};

struct err *blob_get(const struct repo *r, const struct desc *d, struct source **out)
{
    struct download *g = mem_zero(1, sizeof *g);
    AUTO(source_free) struct source *made = &g->source;
    g->source.ops = &download_ops;
    g->repo = *r;
    desc_copy(&g->desc, d);
    retry_begin(&g->retry, &r->host->retry);
    TRY(pace_enter(r->host->pace, PACE_READ));
    g->inside = true;
    /* Absence is told now, not at the first read. */
    struct err *e = ask(g, false);
    /* The first answer was odd: a second one is asked for. */
    if (e && g->odd && retry_is_worth(e)) {
        err_free(e);
        e = ask(g, false);
    }
    if (!e)
        *out = TAKE(made);
    return e;
}
