/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/client.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/mem.h"
#include "registry/apierr.h"
#include "registry/notices.h"

#include <string.h>

/* A pause for all requests to the host, unless it says 429, is not longer than this. */
#define PAUSE_MOST_MS 60000
/* After a 429 that does not say how long. */
#define PAUSE_MS 1000
/* Of a request that a quota does not allow, which lasts for hours. */
#define QUOTA_TRIES 2

bool client_status_passes(int status)
{
    return status == 408 || status == 425 || status == 429 || status == 499 ||
           (status >= 500 && status <= 599 && status != 501);
}

unsigned client_asked_ms(const struct strmap *headers)
{
    unsigned ms = 0;
    const char *value = strmap_get(headers, "retry-after");
    return value && retry_after(value, clock_unix(), &ms) ? ms : 0;
}

void client_read_some(struct http_reply *r, struct buf *body)
{
    char piece[4096];
    size_t got = sizeof piece;
    while (got == sizeof piece && !body->full) {
        struct err *e = source_read(r->body, piece, sizeof piece, &got);
        if (e)
            got = 0;
        err_free(e);
        buf_add(body, piece, got);
    }
}

bool client_says_https(const struct buf *body)
{
    const char *text = buf_text(body);
    return strstr(text, "HTTP request to an HTTPS server") ||
           strstr(text, "HTTP request was sent to HTTPS port") ||
           strstr(text, "HTTP to an SSL-enabled server") || strstr(text, "host and port requires TLS");
}

char *client_basic(const char *username, const char *password)
{
    AUTO(mem_free) char *plain = mem_printf("%s:%s", username, password);
    AUTO(mem_free) char *code = codec_base64(plain, strlen(plain));
    char *value = mem_printf("Basic %s", code);
    mem_wipe(plain, strlen(plain));
    mem_wipe(code, strlen(code));
    return value;
}

struct err *client_refusal(struct host *h, const struct url *u, const char *method, int status,
                           const struct buf *body)
{
    AUTO(mem_free) char *shown = url_shown(u);
    struct err *e = apierr_new(status, method, shown, buf_text(body), body->len);
    if (status == 400 && client_says_https(body))
        return err_hint(err_as(e, ERR_USAGE), "%s speaks HTTPS: leave --plain-http out", h->name);
    return e;
}

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static inline void wipe_text_auto(char **text)
{
    if (*text)
        mem_wipe(*text, strlen(*text));
    mem_free(*text);
}

static struct err *rewind_body(const struct client_request *q, bool taken)
{
    if (!q->body || !taken)
        return NULL;
    if (!source_can_reopen(q->body))
        return err_new(ERR_INTERNAL, "%s: the data cannot be read a second time", q->method);
    return source_reopen(q->body, 0);
}

static void learn_expect(struct host *h, const struct http_request *q, const struct http_reply *r)
{
    if (r->expect_refused)
        lessons_expect_refused(h->lessons);
    if (r->expect_ignored)
        lessons_expect_ignored(h->lessons);
    if (q->no_expect && r->fault == HTTP_FAULT_SEND)
        lessons_expect_missed(h->lessons);
}

/* A host that we were led to wants a token: one that anybody can have, once. True when there is one. */
static bool foreign_token(struct host *h, const struct client_reply *r, char **value)
{
    if (r->http.status != 401 || *value)
        return false;
    struct err *e = auth_anonymous(h, &r->http.headers, &r->url, value);
    if (e)
        log_debug("a token for where %s leads: %s", h->name, err_message(e));
    err_free(e);
    return *value != NULL;
}

/* One attempt at one URL after the other. *taken: the body was read from. */
static struct err *follow(struct client_reply *out, struct host *h, const struct client_request *q,
                          const char *authorization, bool *taken)
{
    struct http_request one = {.method = q->method,
                               .url = &out->url,
                               .headers = q->headers,
                               .body = q->body,
                               .body_size = q->body_size,
                               .sends = q->sends,
                               .no_expect = !lessons_expect(h->lessons),
                               .decode = q->decode};
    AUTO(wipe_text) char *foreign = NULL;
    bool with_foreign = false;
    url_copy(&out->url, q->url);
    for (unsigned hops = 0;; hops++) {
        bool own = url_same_origin(&out->url, &h->base);
        one.authorization = own ? authorization : with_foreign ? foreign : NULL;
        with_foreign = false;
        struct err *e = http_send(&out->http, host_pool(h, &out->url), &one);
        *taken = *taken || out->http.body_taken;
        learn_expect(h, &one, &out->http);
        if (e)
            return host_explain(h, e, out->http.fault);
        if (own)
            host_seen(h, &out->http);
        const char *location = strmap_get(&out->http.headers, "location");
        bool leads = is_redirect(out->http.status) && location;
        if (!leads && !own)
            with_foreign = foreign_token(h, out, &foreign);
        if (!leads && !with_foreign)
            return NULL;
        AUTO(mem_free) char *shown = url_shown(&out->url);
        AUTO_VALUE(url_wipe) struct url next = {0};
        if (hops == CLIENT_REDIRECTS_MAX)
            return err_new(ERR_INPUT, "%s %s: more than %d redirects", q->method, shown,
                           CLIENT_REDIRECTS_MAX);
        if (leads)
            TRY(err_wrap(url_resolve(&next, &out->url, location), "%s %s: redirect", q->method, shown));
        else
            url_copy(&next, &out->url);
        if (out->http.status == 303 && !str_eq(one.method, "HEAD"))
            one = (struct http_request){.method = "GET", .url = &out->url, .headers = q->headers};
        if (one.body)
            TRY(rewind_body(q, *taken));
        http_reply_wipe(&out->http);
        url_copy(&out->url, &next);
    }
}

/* With credentials, and again with new ones when the registry says 401; that it refuses a second token is its
 * answer. */
static struct err *authorised(struct client_reply *out, struct host *h, const struct client_request *q,
                              bool *taken)
{
    AUTO(wipe_text) char *value = NULL;
    for (unsigned refused = 0;;) {
        AUTO(wipe_text) char *stale = TAKE(value);
        TRY(rewind_body(q, *taken));
        struct err *e = auth_value(h->auth, &q->want, stale, &value);
        if (e)
            return err_kind_of(e) == ERR_DENIED ? auth_denied(h->auth, q->want.repository, e) : e;
        TRY(follow(out, h, q, value, taken));
        bool own = url_same_origin(&out->url, &h->base);
        if (out->http.status != 401 || !own)
            return NULL;
        refused += value && str_starts(value, "Bearer ") ? 1 : 0;
        auth_learn(h->auth, &q->want, &out->http.headers, &h->base);
        if (refused == 2 || !auth_can_replay(h->auth, &q->want, value))
            return NULL;
        http_reply_wipe(&out->http);
    }
}

static struct err *read_body(struct client_reply *out, const struct client_request *q)
{
    bool good = out->http.status >= 200 && out->http.status < 300;
    out->status = out->http.status;
    strmap_copy(&out->headers, &out->http.headers);
    if (good && q->stream)
        return NULL;
    out->body = BUF(good && q->body_max ? (size_t)q->body_max : APIERR_BODY_MAX);
    struct err *e = NULL;
    if (good)
        e = source_read_all(out->http.body, &out->body, "the registry's answer");
    else
        client_read_some(&out->http, &out->body);
    http_reply_wipe(&out->http);
    return e;
}

/* Where the registry has led us, what it has signed counts, not our credentials: for some time, or for GET
 * alone. The registry can lead us there anew; whoever asks by HEAD can ask by GET. */
static struct err *denied_elsewhere(struct client_reply *out, struct host *h, const struct client_request *q)
{
    if (str_eq(q->method, "HEAD"))
        return NULL;
    return err_as(client_refusal(h, &out->url, q->method, out->status, &out->body), ERR_NETWORK);
}

/* What goes up takes a place; what comes down takes one as long as it is read (resume.c). */
static struct err *in_turn(struct client_reply *out, struct host *h, const struct client_request *q,
                           bool *taken)
{
    TRY(host_wait(h));
    if (!q->sends)
        return authorised(out, h, q, taken);
    TRY(pace_enter(h->pace, PACE_WRITE));
    struct err *e = authorised(out, h, q, taken);
    pace_leave(h->pace, PACE_WRITE);
    return e;
}

/* Too much: nobody asks for a while. Whoever cannot wait so long fails, and keeps nobody else waiting. */
static void pause_all(struct host *h, int status, unsigned asked_ms)
{
    if (asked_ms > h->retry.budget_ms)
        return;
    if (status == 429)
        host_pause(h, asked_ms ? asked_ms : PAUSE_MS);
    else
        host_pause(h, asked_ms < PAUSE_MOST_MS ? asked_ms : PAUSE_MOST_MS);
}

static bool is_quota(const struct client_reply *r)
{
    return r->status == 429 && notices_is_quota(&r->headers, &r->body);
}

static struct err *attempt(struct client_reply *out, struct host *h, const struct client_request *q,
                           unsigned *asked_ms, bool *taken)
{
    *asked_ms = 0;
    TRY(in_turn(out, h, q, taken));
    TRY(read_body(out, q));
    bool denied = out->status == 401 || out->status == 403;
    if (denied && !url_same_origin(&out->url, &h->base))
        return denied_elsewhere(out, h, q);
    if (denied)
        return auth_denied(h->auth, q->want.repository,
                           client_refusal(h, &out->url, q->method, out->status, &out->body));
    if (!client_status_passes(out->status))
        return NULL;
    *asked_ms = client_asked_ms(&out->headers);
    struct err *e = client_refusal(h, &out->url, q->method, out->status, &out->body);
    if (is_quota(out))
        return notices_quota_hint(e, h->name, &out->headers);
    pause_all(h, out->status, *asked_ms);
    return e;
}

struct err *client_send(struct client_reply *out, struct host *h, const struct client_request *q)
{
    struct retry_policy seldom = h->retry;
    struct retry r;
    struct err *e;
    unsigned asked_ms;
    bool taken = false;
    if (seldom.tries > QUOTA_TRIES)
        seldom.tries = QUOTA_TRIES;
    *out = (struct client_reply){0};
    TRY(host_prepare(h));
    retry_begin(&r, &h->retry);
    do {
        client_reply_wipe(out);
        e = attempt(out, h, q, &asked_ms, &taken);
        if (is_quota(out))
            r.policy = &seldom;
    } while (!q->once && retry_again(&r, &e, asked_ms));
    if (e)
        client_reply_wipe(out);
    return e;
}

struct err *client_unexpected(struct host *h, const struct client_request *q, const struct client_reply *r)
{
    return client_refusal(h, &r->url, q->method, r->status, &r->body);
}

void client_reply_wipe(struct client_reply *r)
{
    strmap_wipe(&r->headers);
    url_wipe(&r->url);
    buf_wipe(&r->body);
    http_reply_wipe(&r->http);
    *r = (struct client_reply){0};
}
